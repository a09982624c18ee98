"""All plugins as the verbs see them, with plugins that hang, lie and break off: nobody waits for them."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf.message import Message

from orlop.engine.nri.launching import installed
from orlop.engine.nri.nri import Nri
from orlop.engine.nri.port import Eviction, Known, NoPlugins, Update
from orlop.engine.nri.registry import MOST_PLUGINS, SERVICE, NriSettings
from orlop.engine.nri.v1 import requests_pb2 as requests
from orlop.model.container import ContainerConfig, ContainerMetadata, ContainerRecord, ContainerStatus
from orlop.model.errors import FailedPrecondition
from orlop.model.pod import PodRecord, PodSandboxConfig, PodSandboxMetadata, PodStatus
from orlop.ttrpc.errors import Code, StatusError
from tests.fakes.deck import is_there
from tests.fakes.nri import FakePlugin, hang
from tests.harness.waiting import until
from tests.unit.engine.nri.specs import spec, update


class FakeHost:
    """The runtime, as the test fills it."""

    def __init__(self) -> None:
        self.pods: list[Any] = []
        self.containers: list[Any] = []
        self.updates: list[Update] = []
        self.evictions: list[Eviction] = []
        self.failing: set[str] = set()

    def known(self) -> Known:
        """What is made."""
        return Known(pods=self.pods, containers=self.containers)

    async def update(self, updates: Sequence[Update]) -> list[Update]:
        """Remember them."""
        self.updates += updates
        return [each for each in updates if each.container_id in self.failing]

    async def evict(self, evictions: Sequence[Eviction]) -> None:
        """Remember them."""
        self.evictions += evictions


class Stage:
    """NRI, its host, and plugins that connect."""

    def __init__(self, directory: Path, **settings: float) -> None:
        self.socket = str(directory / "nri" / "nri.sock")
        self.directory = directory
        self.host = FakeHost()
        limits = {"registration_timeout": 30.0, "request_timeout": 30.0, **settings}
        self.nri = Nri(
            NriSettings(socket=self.socket, plugin_dir=str(directory / "none"), runtime_version="1", **limits),
            self.host,
        )
        self.plugins: list[FakePlugin] = []

    async def connect(self, **answers: Any) -> FakePlugin:
        """A plugin that has not registered."""
        self.plugins.append(await FakePlugin.connect(self.socket, **answers))
        return self.plugins[-1]

    async def join(self, index: str = "10", name: str = "fake", **answers: Any) -> FakePlugin:
        """A plugin that has joined."""
        plugin = await self.connect(**answers)
        before = len(self.nri._registry.plugins)
        await plugin.register(index, name)
        await until(lambda: len(self.nri._registry.plugins) > before)
        return plugin

    def pod(self, name: str = "web") -> Any:
        """A pod."""
        config = PodSandboxConfig(metadata=PodSandboxMetadata(name=name, uid="u", namespace="n"))
        return SimpleNamespace(
            record=PodRecord(id=f"pod-{name}", config=config, handler="runc", created_at=1), status=PodStatus()
        )

    def container(self, name: str = "main", *, filler: int = 0) -> Any:
        """A container with a bundle."""
        bundle = self.directory / name
        bundle.mkdir(exist_ok=True)
        (bundle / "config.json").write_text(json.dumps(spec()))
        config = ContainerConfig(metadata=ContainerMetadata(name=name), annotations={"fill": "x" * filler})
        record = ContainerRecord(
            id=f"id-{name}", pod_id="pod-web", config=config, handler="runc", created_at=1, bundle=str(bundle)
        )
        return SimpleNamespace(record=record, status=ContainerStatus())


@pytest.fixture
async def stage(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    it = Stage(tmp_path, **getattr(request, "param", {}))
    await it.nri.start()
    yield it
    await it.nri.aclose()
    for plugin in it.plugins:
        await plugin.aclose()


short = pytest.mark.parametrize("stage", [{"registration_timeout": 0.3, "request_timeout": 0.3}], indirect=True)


async def test_the_socket_is_roots_alone_and_goes_with_the_daemon(stage: Stage) -> None:
    assert os.stat(stage.socket).st_mode & 0o777 == 0o600
    assert os.stat(os.path.dirname(stage.socket)).st_mode & 0o777 == 0o700
    plugin = await stage.join(Shutdown=_empty)
    await stage.nri.aclose()
    assert plugin.heard[-1][0] == "Shutdown"
    assert not is_there(stage.socket)
    await stage.nri.start()


async def test_a_socket_in_a_directory_of_others_leaves_its_mode_alone(tmp_path: Path) -> None:
    (tmp_path / "nri").mkdir()
    (tmp_path / "nri").chmod(0o755)
    stage = Stage(tmp_path)
    await stage.nri.start()
    assert os.stat(tmp_path / "nri").st_mode & 0o777 == 0o755
    assert os.stat(stage.socket).st_mode & 0o777 == 0o600
    await stage.nri.aclose()


async def _empty(_: object) -> Message:
    return requests.Empty()


async def test_a_socket_that_was_left_behind_is_replaced_and_one_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    left = Stage(tmp_path)
    (tmp_path / "nri").mkdir()
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(left.socket)
    await left.nri.start()
    await left.nri.aclose()
    (tmp_path / "file").write_text("")
    bad = Nri(NriSettings(socket=str(tmp_path / "file" / "x.sock"), plugin_dir="/none"), FakeHost())
    with pytest.raises(FailedPrecondition, match=r"nri.socket '.*x.sock' cannot be served"):
        await bad.start()
    await bad.aclose()


async def test_a_plugin_is_configured_and_then_told_what_is_there(stage: Stage) -> None:
    stage.host.pods, stage.host.containers = [stage.pod()], [stage.container()]
    assert not stage.nri.active
    plugin = await stage.join()
    await until(lambda: len(plugin.heard) == 2)
    (first, configured), (second, synchronized) = plugin.heard
    assert (first, configured.runtime_name, configured.runtime_version) == ("Configure", "orlop", "1")
    assert (configured.registration_timeout, configured.request_timeout) == (30_000, 30_000)
    assert (second, synchronized.more) == ("Synchronize", False)
    assert [pod.id for pod in synchronized.pods] == ["pod-web"]
    assert [container.args for container in synchronized.containers] == [["sh"]]
    assert stage.nri.active


async def test_a_full_node_is_told_in_several_messages(stage: Stage) -> None:
    stage.host.containers = [stage.container(f"c{n}", filler=500_000) for n in range(13)]
    plugin = await stage.join()
    await until(lambda: plugin.heard and plugin.heard[-1][0] == "Synchronize" and not plugin.heard[-1][1].more)
    told = [request for name, request in plugin.heard if name == "Synchronize"]
    assert len(told) > 1
    assert [request.more for request in told] == [True] * (len(told) - 1) + [False]
    assert [each.name for request in told for each in request.containers] == [f"c{n}" for n in range(13)]
    assert all(request.ByteSize() < 4 << 20 for request in told)


async def test_what_is_being_made_is_in_the_snapshot_until_it_is_made_or_gone(stage: Stage) -> None:
    pod, container = stage.pod("new"), stage.container("making")
    await stage.nri.run_pod(pod)
    await stage.nri.create(pod, container)
    first = await stage.join("10")
    await until(lambda: len(first.heard) == 2)
    assert [each.id for each in first.heard[1][1].pods] == ["pod-new"]
    assert [each.name for each in first.heard[1][1].containers] == ["making"]
    await stage.nri.remove(pod, container)
    await stage.nri.remove_pod(pod)
    second = await stage.join("20", "second")
    await until(lambda: len(second.heard) == 2)
    assert not second.heard[1][1].pods and not second.heard[1][1].containers


async def test_events_wait_until_the_plugin_knows_what_they_are_about(stage: Stage) -> None:
    go = asyncio.Event()

    async def slowly(request: Any) -> Message:
        await go.wait()
        return requests.SynchronizeResponse(more=request.more)

    plugin = await stage.join(Synchronize=slowly, RunPodSandbox=_empty)
    running = asyncio.create_task(stage.nri.run_pod(stage.pod()))
    await until(lambda: len(plugin.heard) == 2)
    assert not running.done()
    go.set()
    await running
    assert [name for name, _ in plugin.heard] == ["Configure", "Synchronize", "RunPodSandbox"]


@short
@pytest.mark.parametrize("method", ["Configure", "Synchronize", "RunPodSandbox"])
async def test_a_plugin_that_hangs_anywhere_is_let_go_of(stage: Stage, method: str) -> None:
    plugin = await stage.connect(**{method: hang, "RunPodSandbox": hang})
    await plugin.register()
    if method == "RunPodSandbox":
        await until(lambda: stage.nri.active)
        await stage.nri.run_pod(stage.pod())
    await plugin.ended()
    await until(lambda: not stage.nri.active)
    await stage.nri.run_pod(stage.pod())


@short
async def test_a_connection_that_never_registers_is_closed(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    plugin = await stage.connect()
    await plugin.ended()
    await until(lambda: "no plugin registered within 0.3 s" in caplog.text)


@pytest.mark.parametrize(
    ("index", "name", "words"),
    [("1", "x", "has two digits, not '1'"), ("10", "a/b", "'a/b' is not the name"), ("xx", "x", "not 'xx'")],
)
async def test_bad_names_are_refused(
    stage: Stage, caplog: pytest.LogCaptureFixture, index: str, name: str, words: str
) -> None:
    plugin = await stage.connect()
    await plugin.register(index, name)
    await plugin.ended()
    await until(lambda: words in caplog.text)


async def test_events_that_do_not_exist_cannot_be_subscribed_to(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    async def configure(_: object) -> Message:
        return requests.ConfigureResponse(events=1 << 20)

    plugin = await stage.connect(Configure=configure)
    await plugin.register()
    await plugin.ended()
    await until(lambda: "subscribes to events that do not exist: 0x100000" in caplog.text)


async def test_bytes_that_are_no_nri_end_their_connection_alone(stage: Stage) -> None:
    good = await stage.join(RunPodSandbox=_empty)
    for data in (b"\xff" * 100, b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\2\0\0\0\x0a" + b"\xff" * 10):
        reader, writer = await asyncio.open_unix_connection(stage.socket)
        writer.write(data)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    await stage.nri.run_pod(stage.pod())
    assert good.heard[-1][0] == "RunPodSandbox"


async def test_connections_are_bounded(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(MOST_PLUGINS):
        await stage.connect()
    await until(lambda: stage.nri._registry._connections == MOST_PLUGINS)
    reader, writer = await asyncio.open_unix_connection(stage.socket)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert "is refused: there are 64 already" in caplog.text


async def test_a_connection_registers_once_and_asks_for_updates_only_then(stage: Stage) -> None:
    plugin = await stage.connect()
    request = requests.UpdateContainersRequest(update=[update("a", pids={"limit": 3}), update("b")])
    request.evict.add(container_id="c", reason="hot")

    async def ask() -> requests.UpdateContainersResponse:
        return await plugin.runtime.invoke(SERVICE, "UpdateContainers", request, requests.UpdateContainersResponse)

    with pytest.raises(StatusError, match="register first"):
        await ask()
    await plugin.register()
    with pytest.raises(StatusError, match="already"):
        await plugin.register()
    await until(lambda: stage.nri.active)
    stage.host.failing = {"b"}
    assert [each.container_id for each in (await ask()).failed] == ["b"]
    assert [each.resources for each in stage.host.updates] == [{"pids": {"limit": 3}}, {}]
    assert [(each.container_id, each.reason, each.plugin) for each in stage.host.evictions] == [("c", "hot", "10-fake")]
    bad = requests.UpdateContainersRequest(update=[update("a", blockio_class={"value": "x"})])
    with pytest.raises(StatusError, match="this node has no classes") as refused:
        await plugin.runtime.invoke(SERVICE, "UpdateContainers", bad, requests.UpdateContainersResponse)
    assert refused.value.code == Code.INVALID_ARGUMENT


async def test_updates_in_the_answer_to_a_snapshot_are_carried_out(stage: Stage) -> None:
    async def answer(_: object) -> Message:
        return requests.SynchronizeResponse(update=[update("a", cpu={"shares": {"value": 3}})])

    await stage.join(Synchronize=answer)
    await until(lambda: stage.host.updates)
    assert stage.host.updates[0].resources == {"cpu": {"shares": 3}}


async def test_a_refusal_that_is_no_status_of_ours_is_told_in_the_plugins_words(stage: Stage) -> None:
    async def refuse(_: object) -> Message:
        raise StatusError(99, "over my dead body")

    await stage.join(RunPodSandbox=refuse)
    with pytest.raises(FailedPrecondition, match="10-fake refuses RunPodSandbox: over my dead body"):
        await stage.nri.run_pod(stage.pod())
    assert stage.nri.active


async def test_an_older_plugin_is_told_by_state_changes(stage: Stage) -> None:
    plugin = await stage.join(StateChange=_empty)
    pod, container = stage.pod(), stage.container()
    await stage.nri.run_pod(pod)
    await stage.nri.started(pod, container)
    changes = [request for name, request in plugin.heard if name == "StateChange"]
    assert [(change.event, change.pod.id, change.container.name) for change in changes] == [
        (1, "pod-web", ""),
        (7, "pod-web", "main"),
    ]


def test_a_node_without_nri_asks_nobody() -> None:
    assert not NoPlugins().active


def test_installed_plugins_are_found_with_their_configuration(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plugins, configs = tmp_path / "p", tmp_path / "c"
    for directory in (plugins, configs):
        directory.mkdir()
    for name, mode in (("20-b", 0o755), ("10-a", 0o755), ("30-c", 0o644), ("40-big", 0o755), ("x", 0o755)):
        (plugins / name).touch(mode)
        os.chmod(plugins / name, mode)
    (plugins / "50-dir").mkdir()
    (configs / "10-a.conf").write_text("one")
    (configs / "a.conf").write_text("not this one")
    (configs / "b.conf").write_text("two")
    (configs / "big.conf").write_bytes(b"x" * (1 << 20) + b"y")
    found = list(installed(str(plugins), str(configs)))
    assert [(each.index, each.name, each.config) for each in found] == [("10", "a", "one"), ("20", "b", "two")]
    assert "big.conf has more than 1048576 bytes" in caplog.text
    assert "has two digits, not 'x'" in caplog.text
    assert list(installed(str(tmp_path / "none"), str(configs))) == []
