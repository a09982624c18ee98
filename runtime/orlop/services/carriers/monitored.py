"""Containers under conmon, created and started by an OCI runtime (runc, crun)."""

import os

import msgspec

from orlop.aio.duplex import Client
from orlop.aio.threads import offload
from orlop.engine.checkpoint.criu import last_errors
from orlop.engine.checkpoint.files import IMAGES
from orlop.engine.monitor.attach import attach
from orlop.engine.monitor.conmon import PATH, CreateRequest, Monitored
from orlop.engine.monitor.control import attach_socket, reopen_log
from orlop.engine.monitor.leftovers import kill_orphaned_monitor
from orlop.engine.oci import exec as oci_exec
from orlop.engine.oci.exec import ExecResult, ExecTarget
from orlop.engine.oci.exec_session import Wanted, exec_session
from orlop.engine.oci.failures import runtime_error
from orlop.engine.oci.inputs import Spec
from orlop.engine.oci.resources import refuses_no_quota, without_no_quota
from orlop.engine.oci.runtime import OciRuntime
from orlop.engine.oci.spec import exec_process_of
from orlop.engine.state.table import ContainerEntry
from orlop.linux.files import remove_tree
from orlop.linux.processes import send_signal
from orlop.model.container import ContainerRecord
from orlop.model.errors import OrlopError
from orlop.model.pod import PodRecord
from orlop.model.resources import LinuxContainerResources
from orlop.services.carriers.carrier import Complete
from orlop.services.deck import Deck
from orlop.services.pod_cgroup import place_monitor
from orlop.services.streams import StreamChoice


class MonitoredCarrier(msgspec.Struct, frozen=True):
    """The Carrier of `type = "oci"` handlers."""

    deck: Deck
    keeper: str = "conmon"

    async def create(self, pod: PodRecord, record: ContainerRecord, complete: Complete) -> Monitored:
        return await self._create(pod, record, PATH, complete=complete)

    async def restore(self, pod: PodRecord, record: ContainerRecord) -> Monitored:
        criu = self.deck.criu
        await criu.require()
        try:
            return await self._create(pod, record, criu.search_path, f"{record.checkpoint}/{IMAGES}")
        except OrlopError as error:
            if told := await offload(last_errors, f"{record.bundle}/restore.log"):
                raise type(error)(f"{error}; criu: {told}") from error
            raise

    async def _create(
        self,
        pod: PodRecord,
        record: ContainerRecord,
        search_path: str,
        images: str = "",
        complete: Complete | None = None,
    ) -> Monitored:
        settings, runtime = self.deck.settings, runtime_of(record)
        return await self.deck.conmon.create(
            CreateRequest(
                container_id=record.id,
                name=record.config.metadata.name,
                bundle=record.bundle,
                log_path=record.log_path,
                runtime_path=runtime.path,
                runtime_args=runtime.global_args,
                exit_dir=settings.exit_dir,
                persist_dir=record.bundle,
                socket_dir=settings.socket_dir,
                terminal=record.config.tty,
                stdin=record.config.stdin,
                stdin_once=record.config.stdin_once,
                systemd_cgroup=record.systemd_cgroup,
                restore=images,
                search_path=search_path,
                place=lambda pid: place_monitor(self.deck, pod, pid),
                complete=complete,
                explain=lambda stderr: runtime_error(f"create it with {record.handler}", stderr),
                timeout=settings.create_timeout,
            )
        )

    async def start(self, record: ContainerRecord) -> None:
        await runtime_of(record).start(record.id)

    async def signal(self, entry: ContainerEntry, number: int) -> None:
        # By pidfd and start time, so never to a stranger with its number.
        send_signal(entry.status.pid, entry.status.pid_start, number)

    async def kill_all(self, record: ContainerRecord) -> None:
        await offload(self.deck.hierarchy.kill_all, record.cgroup)

    async def update(self, record: ContainerRecord, resources: Spec) -> None:
        runtime = runtime_of(record)
        try:
            await runtime.update(record.id, resources)
        except OrlopError as error:
            if not refuses_no_quota(resources, error):
                raise
            if rest := without_no_quota(resources):
                await runtime.update(record.id, rest)
            await offload(self.deck.hierarchy.apply, record.cgroup, LinuxContainerResources(cpu_quota=-1))

    async def delete(self, record: ContainerRecord) -> None:
        await runtime_of(record).delete(record.id, force=True)

    async def exec_sync(self, record: ContainerRecord, command: tuple[str, ...], timeout: float) -> ExecResult:
        process = exec_process_of(record.bundle, command)
        deck = self.deck
        return await oci_exec.exec_sync(
            self._exec_target(record), process, reaper=deck.reaper, hierarchy=deck.hierarchy, timeout=timeout
        )

    async def exec(
        self, record: ContainerRecord, command: tuple[str, ...], choice: StreamChoice, client: Client
    ) -> int:
        process = exec_process_of(record.bundle, command, terminal=choice.tty)
        wanted = Wanted(stdin=choice.stdin, stdout=choice.stdout, stderr=choice.stderr, tty=choice.tty)
        deck = self.deck
        return await exec_session(
            self._exec_target(record), process, client, wanted, reaper=deck.reaper, hierarchy=deck.hierarchy
        )

    async def attach(self, record: ContainerRecord, choice: StreamChoice, client: Client) -> None:
        await attach(
            attach_socket(self.deck.settings.socket_dir, record.id),
            record.bundle,
            client,
            stdin=choice.stdin and record.config.stdin,
            outputs=frozenset(name for name in ("stdout", "stderr") if getattr(choice, name)),
            tty=choice.tty,
        )

    async def reopen_log(self, record: ContainerRecord) -> None:
        await reopen_log(record.bundle, record.log_path)

    async def resume(self, entry: ContainerEntry) -> bool:
        # runc and crun remove this fifo when they start the container; conmon needs nothing from us.
        return not os.path.exists(_record_of(entry.record, "exec.fifo"))  # noqa: ASYNC240 - a tmpfs

    def has_record(self, record: ContainerRecord) -> bool:
        return os.path.exists(_record_of(record))

    async def kill_unfinished(self, record: ContainerRecord) -> None:
        # A monitor whose daemon died goes on, and would create the container after all.
        await offload(kill_orphaned_monitor, record.bundle)

    async def remove_files(self, record: ContainerRecord) -> None:
        await offload(remove_tree, f"{self.deck.settings.socket_dir}/{record.id}")

    def _exec_target(self, record: ContainerRecord) -> ExecTarget:
        return ExecTarget(
            runtime=runtime_of(record),
            container_id=record.id,
            run_dir=record.bundle,
            cgroup=record.cgroup,
            moving=self.deck.moves.held,
        )


def runtime_of(record: ContainerRecord) -> OciRuntime:
    """The OCI runtime that the container was born with, whatever the configuration says by now."""
    return OciRuntime(
        name=record.handler,
        path=record.runtime_path,
        root=record.runtime_root,
        systemd_cgroup=record.systemd_cgroup,
    )


def _record_of(record: ContainerRecord, *name: str) -> str:
    """What the OCI runtime keeps of the container."""
    return os.path.join(record.runtime_root, record.id, *name)
