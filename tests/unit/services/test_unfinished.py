"""What a daemon that died left half made is taken apart, and nothing goes on making it meanwhile."""

import asyncio
import signal

from orlop.aio.process import start
from orlop.linux.processes import cmdline
from orlop.model.container import ContainerRecord, ContainerStatus
from orlop.services.unfinished import take_container_apart, take_pod_apart
from tests.fakes.deck import FakeNode, container_config, names_in
from tests.fakes.story import until


async def half_made(node: FakeNode) -> str:
    pod = await node.run_pod()
    record = ContainerRecord(
        id="half", pod_id=pod, config=container_config(), handler="runc", created_at=1, cgroup="/orlop/half",
        bundle=node.settings.bundle("half"), runtime_path=str(node.runtime.path), runtime_root=str(node.runtime.root),
    )  # fmt: skip
    node.deck.state.containers.insert("half", record, ContainerStatus())
    await node.roots.prepare("half", ())
    return record.bundle


async def test_a_monitor_that_goes_on_without_its_daemon_is_killed_before_the_parts_are_removed(node: FakeNode) -> None:
    bundle = await half_made(node)
    other = start(["sh", "-c", "sleep 300; true", "conmon", node.settings.bundle("other")])
    monitor = start(["sh", "-c", "sleep 300; true", "conmon", bundle])
    await until(lambda: cmdline(other.pid) != [] != cmdline(monitor.pid))
    gate = node.story.holds("roots.release")
    taking = asyncio.create_task(take_container_apart(node.deck, "half"))
    await gate.reached()
    assert await monitor.wait() == -signal.SIGKILL
    assert other.returncode is None
    gate.opens()
    await taking
    other.kill()
    await other.wait()


async def test_every_part_goes_and_the_record_last(node: FakeNode) -> None:
    await half_made(node)
    node.story.forget()
    await take_container_apart(node.deck, "half")
    assert node.story.order("hierarchy") == ["hierarchy.kill_all"]
    assert sorted(node.story.order("runtime", "roots")) == ["roots.release", "runtime.delete"]
    assert "half" not in node.deck.state.containers
    assert (await node.roots.ids(), names_in(f"{node.settings.state_dir}/containers")) == ((), [])


async def test_what_is_gone_already_is_fine(node: FakeNode) -> None:
    await take_pod_apart(node.deck, "gone")
    await take_container_apart(node.deck, "gone")
    assert node.story.order() == []


async def test_who_asks_for_the_same_thing_waits_for_one_run(node: FakeNode) -> None:
    await half_made(node)
    await asyncio.gather(*(take_container_apart(node.deck, "half") for _ in range(3)))
    assert node.story.asked("roots.release") == ["half"]
