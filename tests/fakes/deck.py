"""A node on which verbs run without root: a real deck, state, locks and watches over faked parts of the engine.

`FakeNode` holds them all; its story (tests.fakes.story) tells the calls in order and lets any of them fail or wait.
"""

import json
import os
import shutil
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from pathlib import Path

from orlop.aio.reaper import Reaper
from orlop.engine.cni.attachment import Attachment
from orlop.engine.cni.current import Readiness
from orlop.engine.cni.failures import StillAttached
from orlop.engine.cni.result import CniResult, parse_result
from orlop.engine.hostports.table import HostPorts
from orlop.engine.monitor.exits import ExitWatch
from orlop.engine.monitor.liveness import MonitorWatch
from orlop.engine.oci.cdi.directory import Directories
from orlop.engine.oci.hooks import HookDirectories
from orlop.engine.oci.inputs import HostFacts, SpecSettings
from orlop.engine.oci.runtime import RuntimeFeatures
from orlop.engine.oci.seccomp.profile import Profiles
from orlop.engine.sandbox.cgroup import PodCgroups
from orlop.engine.sandbox.files import PodFiles
from orlop.engine.sandbox.namespaces import Namespaces
from orlop.engine.shim.events import EventsEndpoint
from orlop.engine.shim.shims import Shims
from orlop.engine.state.table import ContainerEntry, PodEntry, State
from orlop.engine.stats.facade import Stats
from orlop.engine.storage.changes import Changes
from orlop.engine.storage.rootfs import RootfsMount, RootIdmap
from orlop.linux.cgroups.moving import ReadyMoves
from orlop.linux.files import ensure_dir, ensure_file, write_atomic
from orlop.linux.processes import children
from orlop.model.container import ContainerConfig, ContainerMetadata, LinuxContainerConfig
from orlop.model.enums import CgroupDriver, NamespaceMode
from orlop.model.errors import FailedPrecondition, NotFound
from orlop.model.image import AuthConfig, ImageConfig, ImageRecord, ImageSpec
from orlop.model.pod import LinuxPodSandboxConfig, PinnedNamespaces, PodSandboxConfig, PodSandboxMetadata
from orlop.model.security import LinuxContainerSecurityContext, LinuxSandboxSecurityContext, NamespaceOption
from orlop.services.container_create import create_container
from orlop.services.container_start import start_container
from orlop.services.deck import Deck, Handler, Settings
from orlop.services.exits import monitor_gone, watch_exits
from orlop.services.sandbox_run import run_pod_sandbox
from tests.fakes.cgroups import FakeTree
from tests.fakes.cni import RESULT
from tests.fakes.conmon import FakeConmon
from tests.fakes.story import FakeRuntime, Story, until

BUSYBOX = ImageRecord(
    id="sha256:" + "b" * 64,
    manifest_digest="sha256:" + "d" * 64,
    tags=("docker.io/library/busybox:1",),
    digests=("docker.io/library/busybox@sha256:" + "d" * 64,),
    layers=("sha256:" + "1" * 64,),
    config=ImageConfig(cmd=("sh",), env=("PATH=/bin",)),
)
OWN_PID = NamespaceOption(pid=NamespaceMode.CONTAINER)
"""What a kubelet sends for ordinary pods."""
SHARED_PID = NamespaceOption(pid=NamespaceMode.POD)
NODE_NETWORK = NamespaceOption(network=NamespaceMode.NODE, pid=NamespaceMode.CONTAINER)
SECCOMP = Profiles()
"""One for all: it keeps what it has read."""


class FakeImages:
    """Stands in for orlop.engine.images.store.Images."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self.here = {BUSYBOX.id: BUSYBOX}
        self.registry: dict[str, ImageRecord] = {}
        self.credentials: AuthConfig | None = None

    async def find(self, ref_or_id: str) -> ImageRecord | None:
        await self._story.ask_and_wait("images.find", ref_or_id)
        names = ((image, (image.id, *image.tags, *image.digests)) for image in self.here.values())
        return next((image for image, known in names if ref_or_id in known), None)

    async def list(self) -> tuple[ImageRecord, ...]:
        return tuple(self.here.values())

    async def config_json(self, image_id: str) -> bytes:
        image = self.here[image_id]
        config = {"Env": image.config.env, "Entrypoint": image.config.entrypoint}
        return json.dumps({"architecture": image.architecture, "os": image.os, "config": config}).encode()

    async def pull(self, ref: str, auth: AuthConfig | None = None, *, namespace: str = "") -> ImageRecord:
        await self._story.ask_and_wait("images.pull", ref)
        self.credentials = auth
        if ref not in self.registry:
            raise NotFound(f"the registry has no {ref}")
        image = self.registry[ref]
        self.here[image.id] = image
        return image

    async def remove(self, ref_or_id: str, in_use: Callable[[], Collection[str]] = tuple) -> Sequence[str]:
        await self._story.ask_and_wait("images.remove", ref_or_id)
        if (image := await self.find(ref_or_id)) is None:
            return []
        if image.id in in_use():
            raise FailedPrecondition(f"image {ref_or_id} is used by a container")
        del self.here[image.id]
        return [image.id]

    async def usage(self) -> tuple[int, int]:
        return 5000, 50


class FakeRoots:
    """Stands in for orlop.engine.storage.rootfs.RootFilesystems: plain directories with a passwd file."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._home = story.home / "roots"
        self._home.mkdir()

    async def prepare(
        self,
        container_id: str,
        layers: Sequence[str],
        *,
        idmap: RootIdmap | None = None,
        changes: Changes | None = None,
        label: str = "",
    ) -> RootfsMount:
        await self._story.ask_and_wait("roots.prepare", container_id)
        root = self._home / container_id
        (root / "etc").mkdir(parents=True)
        (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nweb:x:1000:1000::/home:/bin/sh\n")
        return RootfsMount(path=str(root), upper=str(root))

    async def mount_image(
        self,
        container_id: str,
        number: int,
        layers: Sequence[str],
        *,
        idmap: RootIdmap | None = None,
        changes: Changes | None = None,
        label: str = "",
    ) -> str:
        await self._story.ask_and_wait("roots.mount_image", container_id)
        volume = self._home / container_id / f"image{number}"
        (volume / "etc").mkdir(parents=True)
        return str(volume)

    async def release(self, container_id: str) -> None:
        await self._story.ask_and_wait("roots.release", container_id)
        shutil.rmtree(self._home / container_id, ignore_errors=True)

    async def usage(self, container_id: str) -> tuple[int, int]:
        await self._story.ask_and_wait("roots.usage", container_id)
        return (700, 7) if (self._home / container_id).exists() else (0, 0)

    async def ids(self) -> tuple[str, ...]:
        return tuple(sorted(entry.name for entry in self._home.iterdir()))


class FakeNamespaces(Namespaces):
    """Decides as the real one, and pins plain files."""

    def __init__(self, story: Story, state_dir: str) -> None:
        super().__init__(state_dir)
        self._story = story

    async def create(self, pod_id: str, config: PodSandboxConfig) -> PinnedNamespaces:
        await self._story.ask_and_wait("namespaces.create", pod_id)
        paths = self.paths(pod_id, config)
        for path in filter(None, (paths.net, paths.ipc, paths.uts)):
            ensure_dir(os.path.dirname(path))
            ensure_file(path)
        return paths

    async def remove(self, pod_id: str) -> None:
        await self._story.ask_and_wait("namespaces.remove", pod_id)
        shutil.rmtree(self._directory(pod_id), ignore_errors=True)


class FakeFiles(PodFiles):
    """Writes as the real one, and mounts nothing."""

    def __init__(self, story: Story, state_dir: str) -> None:
        super().__init__(state_dir)
        self._story = story

    async def create(self, pod_id: str, config: PodSandboxConfig, label: str = "") -> str:
        await self._story.ask_and_wait("files.create", pod_id)
        directory = self.run_dir(pod_id)
        ensure_dir(directory)
        write_atomic(f"{directory}/hostname", config.hostname)
        return directory

    async def remove(self, pod_id: str) -> None:
        await self._story.ask_and_wait("files.remove", pod_id)
        shutil.rmtree(self.run_dir(pod_id), ignore_errors=True)


class FakeNetwork:
    """Stands in for orlop.engine.cni.network.Network. `attached` is its lasting record of what is owed a DEL."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self.attached: dict[str, Attachment] = {}
        self.ready = Readiness(True)
        self.pod_cidr = ""
        self.valid: list[str] = []
        """Pods that the last GC was to keep."""

    def readiness(self) -> Readiness:
        return self.ready

    async def answered(self, limit: float) -> None:
        """Its plugins are never asked for their STATUS."""

    def describe(self) -> dict[str, object]:
        return {"name": "net"}

    async def update_pod_cidr(self, pod_cidr: str) -> None:
        self.pod_cidr = pod_cidr

    async def add(self, attachment: Attachment) -> CniResult:
        self.attached[attachment.pod_id] = attachment
        await self._story.ask_and_wait("network.add", attachment.pod_id)
        return parse_result(json.dumps(RESULT).encode())

    async def remove(self, attachment: Attachment) -> None:
        await self._story.ask_and_wait("network.remove", attachment.pod_id)
        self.attached.pop(attachment.pod_id, None)

    async def gc(self, valid: Iterable[Attachment]) -> None:
        self.valid = [attachment.pod_id for attachment in valid]
        await self._story.ask_and_wait("network.gc")

    async def orphans(self, known: Callable[[], Container[str]]) -> list[Attachment]:
        await self._story.ask_and_wait("network.orphans")
        ids = known()
        return [attachment for pod_id, attachment in self.attached.items() if pod_id not in ids]


def owed() -> StillAttached:
    """What the network says when a plugin cannot take a pod down."""
    return StillAttached("plugin 'bridge' failed", pod_id="", errors=())


class FakeNode:
    """All parts, and the deck over them. Nothing runs in the background but the watch over exits."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._children = set(children(os.getpid()))
        self.story = Story(home)
        self.runtime = FakeRuntime(self.story)
        self.tree = FakeTree(self.story)
        self.conmon = FakeConmon(self.story, self.runtime, self.tree)
        self.images = FakeImages(self.story)
        self.roots = FakeRoots(self.story)
        self.network = FakeNetwork(self.story)
        self.pause_path = home / "catatonit"
        self.pause_path.touch()
        state_dir = str(home / "run")
        self.settings = Settings(
            state_dir=state_dir,
            root_dir=str(home / "lib"),
            default_handler="runc",
            cgroup_driver=CgroupDriver.CGROUPFS,
            spec=SpecSettings(),
            pause_path=str(self.pause_path),
            shown='{"daemon": {}}',
        )
        for directory in (state_dir, self.settings.root_dir, self.settings.exit_dir, self.settings.socket_dir):
            ensure_dir(directory, 0o711)
        self.namespaces = FakeNamespaces(self.story, state_dir)
        self.files = FakeFiles(self.story, state_dir)
        self.deck = self._deck()

    def _deck(self) -> Deck:
        state_dir = self.settings.state_dir
        reaper = Reaper.current()
        path, root = str(self.runtime.path), str(self.runtime.root)
        handler = Handler(name="runc", path=path, root=root, features=RuntimeFeatures())

        async def gone(container_id: str) -> None:
            await monitor_gone(deck, container_id)

        deck = Deck(
            settings=self.settings,
            facts=HostFacts(cgroup_version=2, capabilities=frozenset()),
            seccomp=SECCOMP,
            idmaps=False,
            cdi=Directories(()),
            hooks=HookDirectories(()),
            handlers={"runc": handler},
            state=State(f"{state_dir}/state.db"),
            images=self.images,
            roots=self.roots,
            hierarchy=self.tree,
            moves=ReadyMoves(self.tree.own_procs),
            cgroups=PodCgroups(self.tree, CgroupDriver.CGROUPFS, state_dir=state_dir),
            namespaces=self.namespaces,
            files=self.files,
            network=self.network,
            host_ports=HostPorts(f"{state_dir}/host-ports", on=False),
            stats=Stats(self.tree),
            conmon=self.conmon,
            shims=Shims(EventsEndpoint(f"{state_dir}/shims.sock", lambda _: None)),
            exit_watch=ExitWatch(self.settings.exit_dir, self.settings.bundle),
            monitor_watch=MonitorWatch(reaper, gone),
            reaper=reaper,
        )
        return deck

    def watches(self) -> None:
        """Begin to record exits."""
        self.deck.background.spawn(watch_exits(self.deck), "exits")

    async def daemon_dies(self) -> None:
        """The deck is gone; a new one stands over the same parts and state. Nothing is recovered yet."""
        await self._end_deck()
        self.deck = self._deck()

    async def _end_deck(self) -> None:
        await self.deck.background.aclose()
        await self.deck.monitor_watch.aclose()
        self.deck.exit_watch.close()
        self.deck.state.close()

    async def aclose(self) -> None:
        """Nothing is left running."""
        await self._end_deck()
        await self.conmon.aclose()
        await until(lambda: not len(self.deck.ending) and not len(self.deck.making))
        # Orphans come to us when their parents have been killed, and the loop is to reap them before it is closed.
        await until(lambda: set(children(os.getpid())) <= self._children)

    def state_is_full(self, full: bool = True) -> None:
        """The state database cannot be written (or can again)."""
        self.deck.state._database.execute(f"PRAGMA query_only={int(full)}")

    def pod(self, pod_id: str) -> PodEntry:
        """The pod on record."""
        return self.deck.state.pods.get(pod_id)

    def container(self, container_id: str) -> ContainerEntry:
        """The container on record."""
        return self.deck.state.containers.get(container_id)

    async def run_pod(self, config: PodSandboxConfig | None = None) -> str:
        """A pod that is ready."""
        return await run_pod_sandbox(self.deck, config or pod_config(), "")

    async def create(self, pod_id: str = "", config: ContainerConfig | None = None) -> str:
        """A container that is created, in a pod of its own unless one is given."""
        return await create_container(self.deck, pod_id or await self.run_pod(), config or container_config())

    async def start(self, pod_id: str = "", config: ContainerConfig | None = None) -> str:
        """A container that runs."""
        container_id = await self.create(pod_id, config)
        await start_container(self.deck, container_id)
        return container_id

    async def exit_of(self, container_id: str) -> None:
        """Wait until the exit is on record and what follows it is done."""
        await until(lambda: self.container(container_id).status.finished_at)
        await self.settled()

    async def settled(self) -> None:
        """Wait until nothing but the watch over exits goes on in the background."""
        await until(lambda: len(self.deck.background) <= 1 and not len(self.deck.ending))


def pod_config(
    name: str = "web", *, attempt: int = 0, spaces: NamespaceOption = OWN_PID, **fields: object
) -> PodSandboxConfig:
    """A pod's configuration."""
    metadata = PodSandboxMetadata(name=name, namespace="default", uid=f"uid-{name}", attempt=attempt)
    linux = LinuxPodSandboxConfig(security_context=LinuxSandboxSecurityContext(namespace_options=spaces))
    return PodSandboxConfig(metadata=metadata, **{"linux": linux, **fields})


def container_config(
    name: str = "main", *, attempt: int = 0, spaces: NamespaceOption = OWN_PID, **fields: object
) -> ContainerConfig:
    """A container's configuration."""
    linux = LinuxContainerConfig(security_context=LinuxContainerSecurityContext(namespace_options=spaces))
    metadata = ContainerMetadata(name=name, attempt=attempt)
    return ContainerConfig(metadata=metadata, **{"image": ImageSpec(image=BUSYBOX.id), "linux": linux, **fields})


def is_there(path: str) -> bool:
    """Whether a file is there."""
    return os.path.exists(path)


def names_in(directory: str | Path) -> list[str]:
    """What a directory holds; nothing where there is none."""
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []
