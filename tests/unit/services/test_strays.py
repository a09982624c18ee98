"""Things of ours that no record knows are removed, and others' are not touched."""

import os

from orlop.linux.files import write_atomic
from orlop.services.strays import remove
from tests.fakes.deck import FakeNode, is_there, names_in, pod_config
from tests.fakes.story import until


async def lost_container(node: FakeNode) -> str:
    container = await node.start()
    node.deck.monitor_watch.forget(container)
    node.deck.state.containers.delete(container)
    return container


async def test_what_is_on_record_stays(node: FakeNode) -> None:
    await node.start()
    node.story.forget()
    await remove(node.deck)
    assert node.story.order() == []


async def test_an_unknown_container_is_killed_and_removed(node: FakeNode) -> None:
    container = await lost_container(node)
    await remove(node.deck)
    await until(lambda: not node.conmon.runs(container))
    assert node.story.asked("runtime.delete") == node.story.asked("roots.release") == [container]
    for name in ("containers", "attach"):
        assert names_in(f"{node.settings.state_dir}/{name}") == []


async def test_a_pid_that_is_a_strangers_by_now_is_not_killed(node: FakeNode) -> None:
    container = await lost_container(node)
    stranger = await node.start(await node.run_pod(pod_config("other")))
    write_atomic(f"{node.settings.bundle(container)}/pidfile", str(node.conmon.pid(stranger)))
    await remove(node.deck)
    assert node.conmon.runs(stranger)
    assert node.story.asked("hierarchy.kill_all") == []


async def test_a_writable_layer_without_a_bundle_is_released(node: FakeNode) -> None:
    await node.roots.prepare("left-by-a-reboot", ())
    await remove(node.deck)
    assert await node.roots.ids() == ()


async def test_an_unknown_pod_gives_back_namespaces_and_files(node: FakeNode) -> None:
    pod = await node.run_pod()
    node.deck.state.pods.delete(pod)
    await remove(node.deck)
    assert not is_there(node.files.run_dir(pod))
    assert node.story.order("namespaces", "files")[-2:] == ["namespaces.remove", "files.remove"]
    assert node.story.asked("network.remove") == []


async def test_one_that_cannot_be_removed_keeps_no_other(node: FakeNode) -> None:
    await node.roots.prepare("one", ())
    await node.roots.prepare("two", ())
    pod = await node.run_pod()
    node.deck.state.pods.delete(pod)
    node.story.fails("roots.release", OSError(16, "busy"), times=1)
    await remove(node.deck)
    assert len(await node.roots.ids()) == 1
    assert not is_there(node.files.run_dir(pod))


async def test_no_directories_no_strays(node: FakeNode) -> None:
    os.rmdir(node.settings.socket_dir)
    await remove(node.deck)
    assert node.story.order() == []
