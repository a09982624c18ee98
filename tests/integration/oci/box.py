"""A container of the real OCI runtime and the real conmon, with verbs: what tests need around the parts under test."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import structs

from orlop.aio.reaper import Reaper
from orlop.engine.monitor.conmon import Conmon, CreateRequest, Monitored
from orlop.engine.monitor.exits import ContainerExit, read_exit
from orlop.engine.monitor.leftovers import remove_leftovers
from orlop.engine.oci import facts, spec
from orlop.engine.oci.capabilities import granted
from orlop.engine.oci.exec import ExecResult, ExecTarget, exec_sync
from orlop.engine.oci.failures import runtime_error
from orlop.engine.oci.hostdevices import devices_for
from orlop.engine.oci.inputs import HostFacts, SpecInputs, SpecSettings
from orlop.engine.oci.runtime import OciRuntime
from orlop.engine.oci.seccomp.profile import Profiles
from orlop.engine.oci.users import resolve_user
from orlop.engine.oci.volumes import resolve_mounts
from orlop.linux.cgroups.detection import detect
from orlop.linux.processes import alive, clamp_oom_score_adj, send_signal
from orlop.model.container import ContainerConfig, LinuxContainerConfig
from orlop.model.enums import NamespaceMode
from orlop.model.image import ImageConfig
from orlop.model.pod import PodRecord, PodSandboxConfig
from orlop.model.resources import LinuxContainerResources
from orlop.model.security import LinuxContainerSecurityContext, NamespaceOption
from tests.harness import cgroups

APPLETS = (
    "cat chmod dd echo env false grep head id ls mkdir mount ps setsid sh sleep stty tail test touch true tty unshare"
)
CONMON = shutil.which("conmon") or "conmon"
DEFAULT_CAPABILITIES = (
    "CHOWN DAC_OVERRIDE FSETID FOWNER SETGID SETUID SETPCAP NET_BIND_SERVICE KILL".split()  # the daemon's own default
)
OWN_PID = NamespaceOption(pid=NamespaceMode.CONTAINER)


def config(
    *command: str,
    resources: LinuxContainerResources | None = None,
    context: LinuxContainerSecurityContext | None = None,
    **fields: object,
) -> ContainerConfig:
    """A container's configuration: a shell script, or a command of several words."""
    argv = ("/bin/sh", "-c", command[0]) if len(command) == 1 else command
    context = context or LinuxContainerSecurityContext()
    if context.namespace_options == NamespaceOption():
        context = structs.replace(context, namespace_options=OWN_PID)
    linux = LinuxContainerConfig(resources=resources or LinuxContainerResources(), security_context=context)
    return ContainerConfig(command=argv, linux=linux, **fields)  # type: ignore[arg-type]  # a test's short cut


@dataclass
class Place:
    """Directories and cgroup parent that a test's containers share."""

    root: str
    runtime: OciRuntime
    facts: HostFacts

    def path(self, *parts: str) -> str:
        """Below the test's directory."""
        return os.path.join(self.root, *parts)

    def box(self, wanted: ContainerConfig, *, image: ImageConfig | None = None) -> "Box":
        """A container that is not made yet."""
        return Box(self, os.urandom(32).hex(), wanted, image or ImageConfig())


@contextmanager
def place(runtime: str) -> Iterator[Place]:
    """A fresh place for the OCI runtime of this name. Its path is short: sockets live in it."""
    root = tempfile.mkdtemp(prefix="o-", dir="/tmp")
    hierarchy = detect()
    try:
        for name in ("exits", "sock", "bundles", "logs"):
            os.mkdir(os.path.join(root, name))
        make_rootfs(Path(root, "rootfs"))
        binary = shutil.which(runtime) or runtime
        client = OciRuntime(name=runtime, path=binary, root=os.path.join(root, "runtime"))
        yield Place(root, client, facts.gather(cgroup_version=hierarchy.version))
    finally:
        shutil.rmtree(root)
        _remove_parents()


def _remove_parents() -> None:
    """The cgroups above the containers', which the OCI runtime made as well. The runner's own stay."""
    for hierarchy in cgroups.hierarchies():
        cgroups.remove(Path(f"{hierarchy}{cgroups.PODS}"))
        try:
            (hierarchy / cgroups.NAME).rmdir()
        except OSError:
            pass  # not there, or pytest itself is in it


def make_rootfs(root: Path) -> None:
    """A small image: static busybox, a few accounts."""
    for name in ("bin", "etc", "tmp", "proc", "sys", "dev", "data"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for applet in APPLETS.split():
        os.link(root / "bin/busybox", root / "bin" / applet)
    (root / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33:www:/srv:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"
    )
    (root / "etc/group").write_text("root:x:0:\nwww:x:33:\nann:x:1000:\nstaff:x:50:ann,bob\nextra:x:5000:ann\n")


class Box:
    """One container, made by the parts under test."""

    def __init__(self, at: Place, container_id: str, wanted: ContainerConfig, image: ImageConfig) -> None:
        self.place = at
        self.id = container_id
        self.config = wanted
        self.image = image
        self.bundle = at.path("bundles", container_id)
        self.log_path = at.path("logs", f"{container_id[:8]}.log")
        self.cgroup = f"{cgroups.PODS}/{container_id}"
        self.settings = SpecSettings(default_capabilities=tuple(DEFAULT_CAPABILITIES))
        self.monitored: Monitored | None = None
        self.profiles = Profiles()

    def inputs(self) -> SpecInputs:
        """Everything that the services gather."""
        context = self.config.linux.security_context
        rootfs = self.place.path("rootfs")
        pod = PodRecord(
            id="f" * 64,
            config=PodSandboxConfig(),
            handler=self.place.runtime.name,
            created_at=1,
            run_dir=self.place.root,
        )
        capabilities = granted(context, self.settings, self.place.facts)
        return SpecInputs(
            container_id=self.id,
            pod=pod,
            config=self.config,
            image=self.image,
            rootfs=rootfs,
            user=resolve_user(rootfs, context, image_user=self.image.user, image="test"),
            cgroups_path=self.cgroup,
            settings=self.settings,
            facts=self.place.facts,
            mounts=resolve_mounts(self.config.mounts, recursive_read_only=True),
            devices=devices_for(self.config),
            seccomp=self.profiles.profile_for(context.seccomp, capabilities),
            oom_score_adj=clamp_oom_score_adj(self.config.linux.resources.oom_score_adj),
        )

    def request(self) -> CreateRequest:
        """What conmon is asked for."""
        return CreateRequest(
            container_id=self.id,
            name="test",
            bundle=self.bundle,
            log_path=self.log_path,
            runtime_path=self.place.runtime.path,
            runtime_args=self.place.runtime.global_args,
            exit_dir=self.place.path("exits"),
            persist_dir=self.bundle,
            socket_dir=self.place.path("sock"),
            terminal=self.config.tty,
            stdin=self.config.stdin,
            stdin_once=self.config.stdin_once,
            explain=lambda text: runtime_error("create container", text),
            timeout=20,
        )

    async def create(self, **changes: object) -> "Box":
        """Write the bundle and create the container."""
        os.mkdir(self.bundle)
        if "complete" not in changes:
            self.write()
        request = replace(self.request(), **changes)  # type: ignore[arg-type]  # a test's short cut
        self.monitored = await Conmon(CONMON).create(request)
        return self

    def write(self) -> None:
        """Write config.json."""
        spec.write_config(self.bundle, spec.build_spec(self.inputs()))

    async def start(self) -> "Box":
        """Create and start."""
        await self.create()
        await self.place.runtime.start(self.id)
        return self

    async def finish(self) -> ContainerExit:
        """Await the end."""
        assert self.monitored is not None
        await Reaper.current().wait_foreign(self.monitored.monitor_pid, self.monitored.monitor_start)
        found = read_exit(self.place.path("exits"), self.id, self.bundle)
        assert found is not None
        return found

    async def run(self) -> str:
        """From creation to the end; what it printed, each stream's text without the log's dressing."""
        await self.start()
        await self.finish()
        return self.output()

    def output(self) -> str:
        """The log's text."""
        lines = Path(self.log_path).read_text(errors="surrogateescape").splitlines()
        return "\n".join(line.split(" ", 3)[3] for line in lines)

    def target(self) -> ExecTarget:
        """For commands inside."""
        return ExecTarget(runtime=self.place.runtime, container_id=self.id, run_dir=self.bundle, cgroup=self.cgroup)

    async def execute(self, *command: str, timeout: float = 20) -> ExecResult:
        """Run a shell script, or a command of several words, inside."""
        argv = ("/bin/sh", "-c", command[0]) if len(command) == 1 else command
        process = spec.exec_process_of(self.bundle, argv)
        return await exec_sync(self.target(), process, reaper=Reaper.current(), hierarchy=detect(), timeout=timeout)

    def signal(self, number: int) -> None:
        """Signal the first process."""
        assert self.monitored is not None
        send_signal(self.monitored.pid, self.monitored.pid_start, number)

    def runs(self) -> bool:
        """Whether the first process lives."""
        return self.monitored is not None and alive(self.monitored.pid, self.monitored.pid_start)

    async def remove(self) -> None:
        """Whatever state it is in."""
        await self.place.runtime.delete(self.id, force=True)
        if self.monitored is not None:
            await Reaper.current().wait_foreign(self.monitored.monitor_pid, self.monitored.monitor_start)
        remove_leftovers(self.id, socket_dir=self.place.path("sock"), exit_dir=self.place.path("exits"))
        shutil.rmtree(self.bundle, ignore_errors=True)
        for hierarchy in cgroups.hierarchies():
            cgroups.remove(Path(f"{hierarchy}{self.cgroup}"))


def script(path: str, body: str) -> None:
    """A program in place of an OCI runtime, for faults that must be ordered."""
    Path(path).write_text(f"#!/bin/sh\n{body}\n")
    os.chmod(path, 0o755)


def read(path: str) -> str:
    """A file's text."""
    return Path(path).read_text()


def write(path: str, text: str) -> None:
    """Make a file."""
    Path(path).write_text(text)


def listing(path: str) -> list[str]:
    """A directory's names; none when it does not exist."""
    return os.listdir(path) if os.path.isdir(path) else []


async def until(condition: Callable[[], bool]) -> None:
    """Wait, a minute at most, for something that no event tells."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - files and processes of others
            await asyncio.sleep(0.01)
