"""Containers of a shim: one process for each pod that speaks containerd's shim v2 protocol (runc's, Kata, gVisor).

The pod's pause container comes first, and the shim with it; other containers join it. Ends are written into exit files,
as conmon does, so that everything behind an exit is the same.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Iterator

import msgspec

from orlop.aio.duplex import Client, OutputName
from orlop.aio.threads import offload
from orlop.engine.monitor.conmon import Monitored
from orlop.engine.oci.exec import ExecResult
from orlop.engine.oci.failures import runtime_error
from orlop.engine.oci.inputs import Spec
from orlop.engine.oci.spec import exec_process_of
from orlop.engine.shim import commands
from orlop.engine.shim.bootstrap import FILE
from orlop.engine.shim.fifos import OUTPUTS, Fifos
from orlop.engine.shim.options import as_stdin
from orlop.engine.shim.shims import ShimGone
from orlop.engine.shim.stdio import Stdio
from orlop.engine.shim.task import TaskExit, TaskService
from orlop.engine.state.table import ContainerEntry
from orlop.linux.files import remove_file
from orlop.linux.processes import alive, send_signal, start_time
from orlop.model.container import ContainerRecord
from orlop.model.errors import FailedPrecondition, OrlopError, TimedOut, Unavailable, Unsupported
from orlop.model.pod import PodRecord
from orlop.services.carriers.carrier import Complete
from orlop.services.carriers.shim_ends import UNKNOWN_CODE, forget, kill_command, kill_starting, write_exit
from orlop.services.carriers.shim_roots import options_of, root_mounts
from orlop.services.deck import Deck
from orlop.services.pod_cgroup import place_monitor
from orlop.services.streams import StreamChoice
from orlop.ttrpc.errors import Code, Disconnected, StatusError

log = logging.getLogger(__name__)

SIGKILL = 9
END_LIMIT = 30.0
"""Seconds that a killed container, or a shim without containers, may take to end."""
DYING_LIMIT = 2.0
"""Seconds that a shim which has let go of its connections may take to end."""
PAUSE = 0.5
"""Seconds between tries to reach a shim that lives and does not answer."""
_OVER = (Code.NOT_FOUND, Code.FAILED_PRECONDITION)
"""Answers for a process that has ended."""


class ShimmedCarrier(msgspec.Struct, frozen=True):
    """The Carrier of `type = "shim"` handlers."""

    deck: Deck
    keeper: str = "shim"

    async def create(self, pod: PodRecord, record: ContainerRecord, complete: Complete) -> Monitored:
        record = await complete()
        given = options_of(record)
        stdio = self._open_stdio(record)
        await stdio.reopen_log()  # it is there from the creation on, as conmon's
        with spoken(f"create it with {record.handler}"):
            service = await self._boot(record, as_stdin(given))
            async with root_mounts(self.deck, record) as rootfs:
                pid = await service.create(
                    record.id,
                    record.bundle,
                    stdio.fifos.streams,
                    rootfs=rootfs,
                    options=given,
                    timeout=self.deck.settings.create_timeout,
                )
            shim = await service.connect(record.id)
        await offload(place_monitor, self.deck, pod, shim)
        stdio.begin()
        self._watch(record)
        return Monitored(pid=pid, pid_start=_start(pid), monitor_pid=shim, monitor_start=_start(shim))

    async def _boot(self, record: ContainerRecord, options: bytes) -> TaskService:
        """The pod's shim, born now with the pod's first container."""
        shims = self.deck.shims
        for entry in self.deck.state.containers_of(record.pod_id):
            if entry.record.infra and not record.infra:
                return await shims.join(record.bundle, entry.record.bundle)
        return await shims.boot(record.runtime_path, record.id, record.bundle, options)

    async def start(self, record: ContainerRecord) -> None:
        with spoken("start it"):
            await (await self._shim(record)).start(record.id)

    async def restore(self, pod: PodRecord, record: ContainerRecord) -> Monitored:
        raise Unsupported(f"handler {record.handler} is a shim: restoring checkpoints is not built for those")

    async def signal(self, entry: ContainerEntry, number: int) -> None:
        with spoken(f"send it signal {number}"):
            try:
                await (await self._shim(entry.record)).kill(entry.record.id, number)
            except StatusError as error:
                if error.code == Code.DEADLINE_EXCEEDED:
                    await self._unanswered(entry, number)
                elif error.code not in _OVER:
                    raise
            except (ShimGone, Disconnected) as error:
                # It ended with its last container, or has died: both are told elsewhere.
                log.debug("container %s gets no signal %d: %s", entry.record.id, number, error)

    async def _unanswered(self, entry: ContainerEntry, number: int) -> None:
        """A shim that hangs must keep nobody from stopping its pod: the SIGKILL that it does not pass on is its own."""
        status = entry.status
        log.error("container %s: its shim (pid %d) does not answer", entry.record.id, status.monitor_pid)
        if number != SIGKILL or not status.monitor_pid:
            return
        if await offload(send_signal, status.monitor_pid, status.monitor_start, SIGKILL):
            log.error("the shim (pid %d) was killed, and its pod's containers end with it", status.monitor_pid)

    async def kill_all(self, record: ContainerRecord) -> None:
        with contextlib.suppress(StatusError, Disconnected, OrlopError):
            await (await self._shim(record)).kill(record.id, SIGKILL, everybody=True)
        # Also where the shim does not answer; a virtual machine's processes are the shim's own business.
        await offload(self.deck.hierarchy.kill_all, record.cgroup)

    async def update(self, record: ContainerRecord, resources: Spec) -> None:
        with spoken("update its resources"):
            await (await self._shim(record)).update(record.id, msgspec.json.encode(resources))

    async def delete(self, record: ContainerRecord) -> None:
        if (watch := self.deck.shim_watches.pop(record.id, None)) is not None:
            watch.cancel()
        had = self.has_record(record)
        if had:
            with spoken(f"delete it from {record.handler}"):
                await self._delete(record)
        await self.deck.shims.forget(record.id)
        for name in ("address", FILE):
            remove_file(os.path.join(record.bundle, name))
        if had:
            # Now that it is not known to have one: of several that are deleted at once the last waits for the shim.
            await self._shim_ended(record)

    async def exec_sync(self, record: ContainerRecord, command: tuple[str, ...], timeout: float) -> ExecResult:
        process = msgspec.json.encode(exec_process_of(record.bundle, command))
        with spoken(f"execute {command[0]!r}"):
            done = await commands.collect(await self._place(record), process, command[0], timeout)
        return ExecResult(exit_code=done.exit_code, stdout=done.stdout, stderr=done.stderr)

    async def exec(
        self, record: ContainerRecord, command: tuple[str, ...], choice: StreamChoice, client: Client
    ) -> int:
        process = msgspec.json.encode(exec_process_of(record.bundle, command, terminal=choice.tty))
        with spoken(f"execute {command[0]!r}"):
            return await commands.serve(
                await self._place(record),
                process,
                client,
                stdin=choice.stdin,
                # A terminal's output is read even if nobody wants it: a full one stops its program.
                outputs=("stdout",) if choice.tty else _wanted(choice),
                terminal=choice.tty,
            )

    async def attach(self, record: ContainerRecord, choice: StreamChoice, client: Client) -> None:
        stdio = self._stdio(record)
        inputs = [asyncio.create_task(self._resize(record, client))] if choice.tty else []
        if choice.stdin and record.config.stdin:
            inputs.append(asyncio.create_task(self._feed(record, stdio, client)))
        try:
            await stdio.serve(client, frozenset(_wanted(choice)))
        finally:
            for task in inputs:
                task.cancel()
            await asyncio.gather(*inputs, return_exceptions=True)

    async def reopen_log(self, record: ContainerRecord) -> None:
        await self._stdio(record).reopen_log()

    async def resume(self, entry: ContainerEntry) -> bool:
        record = entry.record
        self._open_stdio(record).begin()
        self.deck.shims.listen(record.id, record.bundle)
        self._watch(record)
        try:
            state = await (await self._shim(record)).state(record.id)
        except (StatusError, Disconnected, OrlopError) as error:
            log.warning("container %s: its shim cannot be asked for its state: %s", record.id, error)
            return bool(entry.status.started_at)
        return not state.created

    def has_record(self, record: ContainerRecord) -> bool:
        return any(os.path.exists(os.path.join(record.bundle, name)) for name in (FILE, "address"))

    async def kill_unfinished(self, record: ContainerRecord) -> None:
        await offload(kill_starting, record)

    async def remove_files(self, record: ContainerRecord) -> None:
        await self.deck.shims.forget(record.id)

    async def _shim(self, record: ContainerRecord) -> TaskService:
        if self.has_record(record):
            # A shim whose daemon died while it was born waits for a reader of its log, and answers nothing until then.
            self.deck.shims.listen(record.id, record.bundle)
        return await self.deck.shims.reach(record.bundle)

    async def _place(self, record: ContainerRecord) -> commands.Place:
        async def kill(pid: int) -> None:
            await offload(kill_command, self.deck, record, pid)

        return commands.Place(
            shim=await self._shim(record), container_id=record.id, bundle=record.bundle, kill_tree=kill
        )

    def _open_stdio(self, record: ContainerRecord) -> Stdio:
        config = record.config
        fifos = Fifos.open(record.bundle, stdin=config.stdin, terminal=config.tty)
        stdio = self.deck.shims.stdio[record.id] = Stdio(fifos, record.log_path, f"container {record.id[:12]}")
        return stdio

    def _stdio(self, record: ContainerRecord) -> Stdio:
        stdio = self.deck.shims.stdio.get(record.id)
        if stdio is None:
            raise FailedPrecondition("its streams are closed: it has ended")
        return stdio

    async def _feed(self, record: ContainerRecord, stdio: Stdio, client: Client) -> None:
        while data := await client.read():
            await stdio.feed(data)
        if record.config.stdin_once and not record.config.tty:
            stdio.fifos.close_stdin()
            with contextlib.suppress(StatusError, Disconnected, OrlopError):  # it has ended
                await (await self._shim(record)).close_stdin(record.id)

    async def _resize(self, record: ContainerRecord, client: Client) -> None:
        while size := await client.resized():
            with contextlib.suppress(StatusError, Disconnected, OrlopError):  # it has ended
                await (await self._shim(record)).resize(record.id, "", size.width, size.height)

    def _watch(self, record: ContainerRecord) -> None:
        self.deck.shim_watches[record.id] = self.deck.background.spawn(
            self._tell_end(record), f"end of {record.id[:12]}"
        )

    async def _tell_end(self, record: ContainerRecord) -> None:
        """Wait for the container's end and leave its exit file. Nothing is told where the shim itself has died."""
        ended = await self._ended(record)
        if ended is None:
            return
        if (stdio := self.deck.shims.stdio.get(record.id)) is not None:
            await stdio.drain()
        write_exit(self.deck.settings.exit_dir, record.id, ended)

    async def _ended(self, record: ContainerRecord) -> TaskExit | None:
        while True:
            try:
                return await (await self._shim(record)).wait(record.id)
            except StatusError as error:
                if error.code == Code.NOT_FOUND:
                    return TaskExit(code=UNKNOWN_CODE, at=0)
                log.warning("container %s: its shim does not tell its end: %s", record.id, error)
            except (Disconnected, ShimGone) as error:
                log.debug("container %s: %s", record.id, error)
            status = self.deck.state.containers.get(record.id).status
            if status.made and not alive(status.monitor_pid, status.monitor_start):
                return None
            await asyncio.sleep(PAUSE)

    async def _delete(self, record: ContainerRecord) -> None:
        try:
            service = await self._shim(record)
            if not await forget(service, record.id):
                await self._remove_half_made(record)
            with contextlib.suppress(Disconnected):  # the shim ends, and may end before its answer
                await service.shutdown(record.id)
        except StatusError as error:
            if error.code != Code.DEADLINE_EXCEEDED or record.id not in self.deck.state.containers:
                raise
            await self._unanswered(self.deck.state.containers.get(record.id), SIGKILL)
            raise  # asked again, it is found dead and buried
        except (ShimGone, Disconnected) as error:
            if await self._shim_lives(record):
                # This daemon is ending, or the shim is busy: to bury it would take the pod's socket away for good.
                raise Unavailable(f"its shim lives and cannot be reached: {error}") from error
            await self.deck.shims.bury(record.runtime_path, record.id, record.bundle)
            await self._remove_cgroup(record)

    async def _shim_lives(self, record: ContainerRecord) -> bool:
        """Whether the pod's one shim does, which may just be ending; every container that was made knows its pid."""
        for status in [each.status for each in self.deck.state.containers_of(record.pod_id)]:
            if status.monitor_pid:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DYING_LIMIT):
                        await self.deck.reaper.wait_foreign(status.monitor_pid, status.monitor_start)
                return alive(status.monitor_pid, status.monitor_start)
        return False

    async def _remove_half_made(self, record: ContainerRecord) -> None:
        """Its shim does not know it: the OCI runtime may have been cut off in the middle of creating it."""
        await self.deck.shims.remove_leftovers(record.runtime_path, record.id, record.bundle)
        await self._remove_cgroup(record)

    async def _remove_cgroup(self, record: ContainerRecord) -> None:
        await offload(self.deck.hierarchy.kill_all, record.cgroup)
        await offload(self.deck.hierarchy.remove, record.cgroup)

    async def _shim_ended(self, record: ContainerRecord) -> None:
        """The pod's last container takes its shim with it: wait for that, for the pod's cgroup holds it."""
        others = [each for each in self.deck.state.containers_of(record.pod_id) if each.record.id != record.id]
        status = self.deck.state.containers.get(record.id).status if record.id in self.deck.state.containers else None
        if status is None or not status.monitor_pid or any(self.has_record(each.record) for each in others):
            return
        try:
            async with asyncio.timeout(END_LIMIT):
                await self.deck.reaper.wait_foreign(status.monitor_pid, status.monitor_start)
        except TimeoutError:
            log.warning("the shim of pod %s (pid %d) does not end", record.pod_id, status.monitor_pid)


@contextlib.contextmanager
def spoken(doing: str) -> Iterator[None]:
    """A shim's words as an error of the domain: its OCI runtime's are explained as they are without a shim."""
    try:
        yield
    except StatusError as error:
        if error.code == Code.DEADLINE_EXCEEDED:
            raise TimedOut(f"cannot {doing}: {error}") from error
        raise runtime_error(doing, str(error)) from error
    except Disconnected as error:
        raise Unavailable(f"cannot {doing}: the shim went away: {error}") from error


def _wanted(choice: StreamChoice) -> tuple[OutputName, ...]:
    return tuple(name for name in OUTPUTS if getattr(choice, name))


def _start(pid: int) -> int:
    try:
        return start_time(pid)
    except ProcessLookupError:
        return 0
