"""A container's record is decided before anything is made; what leads out of bounds is refused."""

import msgspec
import pytest

from orlop.model import signals
from orlop.model.container import ContainerConfig, ContainerRecord
from orlop.model.enums import NamespaceMode
from orlop.model.errors import FailedPrecondition, InvalidArgument, NotFound
from orlop.model.image import ImageConfig, ImageRecord
from orlop.model.security import NamespaceOption
from orlop.services import container_bundle
from orlop.services.container_stop import stop_container
from orlop.services.exits import delete
from tests.fakes.deck import BUSYBOX, SHARED_PID, FakeNode, container_config, pod_config

LOGS = "/var/log/pods/x"


async def plan(
    node: FakeNode,
    config: ContainerConfig,
    image: ImageRecord | None = BUSYBOX,
    *,
    log_directory: str = "/var/log/pods/x",
) -> ContainerRecord:
    pod = node.pod(await node.run_pod(pod_config(log_directory=log_directory))).record
    return container_bundle.plan(node.deck, pod, config, image, node.deck.handler(""))


async def test_a_record_says_where_everything_is(node: FakeNode) -> None:
    record = await plan(node, container_config(log_path="main/0.log"))
    assert record.log_path == f"{LOGS}/main/0.log"
    assert record.bundle == node.settings.bundle(record.id)
    assert record.cgroup == f"/orlop/pod-{record.pod_id}/orlop-{record.id}"
    assert (record.handler, record.runtime_root) == ("runc", str(node.runtime.root))
    assert not record.infra
    assert (await plan(node, container_config(), None)).infra


@pytest.mark.parametrize("path", ["../0.log", "/etc/passwd", "main/../../0.log", ".", "main/..", "/var/log/pods/xy/0"])
async def test_a_log_outside_of_the_pods_directory_is_refused(node: FakeNode, path: str) -> None:
    with pytest.raises(InvalidArgument, match="leads out of the pod's log directory"):
        await plan(node, container_config(log_path=path))


async def test_logs(node: FakeNode) -> None:
    assert (await plan(node, container_config())).log_path == ""
    assert (await plan(node, container_config(log_path="a/./b//0.log"))).log_path == f"{LOGS}/a/b/0.log"


async def test_a_log_needs_a_directory(node: FakeNode) -> None:
    with pytest.raises(InvalidArgument, match=r"log_path is set, but the pod sandbox has no log_directory"):
        await plan(node, container_config(log_path="0.log"), log_directory="")


@pytest.mark.parametrize(
    ("wanted", "of_image", "found"),
    [
        ("", "", "SIGTERM"),
        ("", "SIGQUIT", "SIGQUIT"),
        ("", "3", "SIGQUIT"),
        ("", "RTMIN+3", "SIGRTMIN+3"),
        ("SIGUSR1", "SIGQUIT", "SIGUSR1"),
    ],
)
async def test_stop_signals(node: FakeNode, wanted: str, of_image: str, found: str) -> None:
    image = msgspec.structs.replace(BUSYBOX, config=ImageConfig(stop_signal=of_image))
    config = container_config(stop_signal=signals.to_cri(wanted) if wanted else 0)
    assert (await plan(node, config, image)).stop_signal == found


async def test_bad_stop_signals(node: FakeNode) -> None:
    image = msgspec.structs.replace(BUSYBOX, config=ImageConfig(stop_signal="SIGNONSENSE"))
    with pytest.raises(InvalidArgument, match="the image's StopSignal: no such signal: 'SIGNONSENSE'"):
        await plan(node, container_config(), image)
    with pytest.raises(ValueError, match="no such signal in the CRI: 999"):
        await plan(node, container_config(stop_signal=999))


async def test_image_ref_is_a_digest_where_there_is_one(node: FakeNode) -> None:
    assert (await plan(node, container_config())).image_ref == BUSYBOX.digests[0]
    loaded = msgspec.structs.replace(BUSYBOX, digests=())
    assert (await plan(node, container_config(), loaded)).image_ref == BUSYBOX.id
    assert (await plan(node, container_config(), None)).image_ref == ""


def target(container_id: str) -> ContainerConfig:
    return container_config("debug", spaces=NamespaceOption(pid=NamespaceMode.TARGET, target_id=container_id))


async def test_a_debugger_joins_the_pid_namespace_of_its_target(node: FakeNode) -> None:
    pod = await node.run_pod()
    container = await node.start(pod)
    record = node.container(await node.create(pod, target(container))).record
    path = container_bundle._pid_namespace(node.deck, record)
    assert path == f"/proc/{node.conmon.pid(container)}/ns/pid"


async def test_targets_that_cannot_be_joined(node: FakeNode) -> None:
    pod = await node.run_pod()
    created = await node.create(pod)
    with pytest.raises(NotFound):
        await node.create(pod, target("f" * 64))
    with pytest.raises(FailedPrecondition, match="target container 'main' is not running"):
        await node.create(pod, target(created))
    with pytest.raises(InvalidArgument, match="is a container of another pod"):
        await node.create(await node.run_pod(pod_config("other")), target(created))


async def test_a_shared_pid_namespace_is_that_of_the_pause_process(node: FakeNode) -> None:
    pod = await node.run_pod(pod_config(spaces=SHARED_PID))
    [pause] = node.deck.state.containers_of(pod)
    record = node.container(await node.create(pod, container_config(spaces=SHARED_PID))).record
    assert container_bundle._pid_namespace(node.deck, record) == f"/proc/{pause.status.pid}/ns/pid"
    await stop_container(node.deck, pause.record.id, 0)
    await delete(node.deck, pause.record)
    with pytest.raises(FailedPrecondition, match="its pause process is gone"):
        container_bundle._pid_namespace(node.deck, record)
    await node.settled()
