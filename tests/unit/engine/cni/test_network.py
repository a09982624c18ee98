"""The facade with plugins that do as they are told: a whole life, failures in the middle, crashes, owed DELs."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from orlop.engine.cni.attachment import Attachment
from orlop.engine.cni.failures import NetworkNotReady, PluginError, PluginTimedOut, StillAttached
from orlop.engine.cni.network import Network
from orlop.model.errors import ResourceExhausted
from orlop.model.pod import PortMapping
from tests.fakes.cni import RESULT, FakePlugins
from tests.harness.waiting import until

# Any namespace will do where plugins only pretend.
POD = Attachment(pod_id="abc", namespace="web", name="front", uid="u-1", netns="/proc/self/ns/net")


def made(fake: FakePlugins, **options: object) -> Network:
    return Network(
        conf_dir=str(fake.conf),
        plugin_dirs=[str(fake.bin)],
        cache_dir=str(fake.cache),
        **options,  # type: ignore[arg-type]  # each test gives what it needs
    )


@pytest.fixture
async def network(fake: FakePlugins) -> AsyncIterator[Network]:
    fake.install("one", "two").configure("10-net.conflist", "one", "two")
    network = made(fake, add_timeout=10.0, del_timeout=10.0)
    await network.start()
    yield network
    await network.close()


async def until_ready(network: Network, *, ready: bool = True) -> None:
    await until(lambda: network.readiness().ready is ready)


async def until_told(network: Network, words: str) -> None:
    await until(lambda: words in network.readiness().message)


async def test_without_a_network_nobodys_answer_is_waited_for(fake: FakePlugins) -> None:
    network = made(fake)
    await network.start()
    try:
        async with asyncio.timeout(30):
            await network.answered(3600)
    finally:
        await network.close()
    assert "no usable network configuration" in network.readiness().message


async def test_a_pod_comes_and_goes(fake: FakePlugins, network: Network) -> None:
    result = await network.add(POD)
    assert result.pod_ips("eth0") == ("10.1.0.5",)
    assert fake.results() == ["net-abc-eth0"]
    assert (await network.cached_result(POD)) == result
    await network.remove(POD)
    assert fake.order() == ["ADD one", "ADD two", "DEL two", "DEL one"]
    assert fake.stdin("one", "DEL")["prevResult"] == RESULT
    assert fake.environment("one", "DEL")["CNI_ARGS"] == fake.environment("one", "ADD")["CNI_ARGS"]
    assert fake.results() == []
    assert await network.cached_result(POD) is None


async def test_the_network_in_use_is_described(fake: FakePlugins, network: Network) -> None:
    told = network.describe()
    assert told["plugins"] == ["one", "two"]
    assert str(told["file"]).endswith("/10-net.conflist")
    assert told["name"]
    empty = made(fake)
    assert empty.describe() == {}
    await empty.close()


async def test_removing_a_pod_that_never_was_runs_nothing(fake: FakePlugins, network: Network) -> None:
    await network.remove(replace(POD, netns="/nonexistent"))
    assert fake.order() == []


async def test_a_wiped_cache_still_leads_to_a_del_while_the_namespace_is_there(
    fake: FakePlugins, network: Network
) -> None:
    await network.remove(POD)
    assert fake.order() == ["DEL two", "DEL one"]


async def test_a_failed_add_is_undone_in_whole(fake: FakePlugins, network: Network) -> None:
    fake.fails("two", "ADD", msg="no")
    with pytest.raises(PluginError, match="'two' failed ADD"):
        await network.add(POD)
    assert fake.order() == ["ADD one", "ADD two", "DEL two", "DEL one"]
    assert fake.results() == []


async def test_what_a_failed_add_leaves_is_told_and_can_be_removed_later(fake: FakePlugins, network: Network) -> None:
    fake.fails("two", "ADD", msg="no")
    fake.fails("one", "DEL", msg="busy")
    with pytest.raises(PluginError) as caught:
        await network.add(POD)
    assert "not fully detached" in caught.value.__notes__[0]
    assert fake.results() == ["net-abc-eth0"]
    fake.succeeds("one", "DEL")
    await network.remove(POD)
    assert fake.results() == []


async def test_the_intent_is_on_record_before_the_first_plugin_runs(fake: FakePlugins, network: Network) -> None:
    fake.does("one", "ADD", f"ls {fake.cache}/results > {fake.cache}/seen; echo '{json.dumps(RESULT)}'\n")
    await network.add(POD)
    assert (fake.cache / "seen").read_text() == "net-abc-eth0\n"


async def test_a_daemon_that_died_in_the_middle_of_add_knows_what_it_owes(fake: FakePlugins, network: Network) -> None:
    fake.hangs("two", "ADD")
    adding = asyncio.create_task(network.add(POD))
    await until(lambda: "ADD two" in fake.order())
    adding.cancel()  # as near to a kill as one process allows: nothing of ours runs any more
    await asyncio.gather(adding, return_exceptions=True)
    await network.close()
    fake.clear()

    fake.conf.joinpath("10-net.conflist").unlink()
    successor = made(fake)
    await successor.start()
    (owed,) = await successor.orphans(list)
    assert (owed.pod_id, owed.namespace, owed.name, owed.netns) == ("abc", "web", "front", "/proc/self/ns/net")
    await successor.remove(owed)
    assert fake.order() == ["DEL two", "DEL one"]
    assert await successor.orphans(list) == []
    await successor.close()


async def test_orphans_are_those_that_nobody_knows_and_ours(fake: FakePlugins, network: Network) -> None:
    for pod_id in ("abc", "def"):
        await network.add(replace(POD, pod_id=pod_id))
    foreign = fake.cache / "results" / "net-zzz-eth0"
    foreign.write_text(
        json.dumps({"kind": "cniCacheV1", "containerId": "zzz", "ifName": "eth0", "networkName": "net", "config": ""})
    )
    edited = fake.cache / "results" / "net-ed it-eth0"
    edited.write_text(json.dumps(json.loads(foreign.read_text()) | {"containerId": "ed it", "runtime": "orlop"}))
    assert [orphan.pod_id for orphan in await network.orphans(lambda: ["abc"])] == ["def"]


async def test_a_pod_that_has_just_begun_is_no_orphan(fake: FakePlugins, network: Network) -> None:
    known: list[str] = []
    looking = asyncio.create_task(network.orphans(lambda: known))
    known.append("abc")  # first on the daemon's record …
    await network.add(POD)  # … then on ours
    assert await looking == []


async def test_del_uses_the_configuration_of_its_add(fake: FakePlugins, network: Network) -> None:
    await network.add(POD)
    fake.install("three").configure("10-net.conflist", "three", name="other")
    await until_network(network, fake, "three")
    fake.clear()
    await network.remove(POD)
    assert fake.order() == ["DEL two", "DEL one"]


async def until_network(network: Network, fake: FakePlugins, plugin: str) -> None:
    """Until new pods go to the network of this plugin."""
    probe = replace(POD, pod_id="probe")
    async with asyncio.timeout(5):
        while f"ADD {plugin}" not in fake.order():
            await network.add(probe)
            await network.remove(probe)
            await asyncio.sleep(0.01)


async def test_del_works_with_no_configuration_and_no_namespace(fake: FakePlugins, network: Network) -> None:
    await network.add(POD)
    record = fake.cache / "results" / "net-abc-eth0"
    record.write_text(record.read_text().replace("/proc/self/ns/net", str(fake.bin)))  # a file that is no namespace
    (fake.conf / "10-net.conflist").unlink()
    await until_ready(network, ready=False)
    await network.remove(POD)
    assert fake.environment("one", "DEL")["CNI_NETNS"] == ""
    assert fake.results() == []


async def test_a_failed_del_stays_owed_until_it_works(fake: FakePlugins, network: Network) -> None:
    await network.add(POD)
    fake.uninstall("two")
    with pytest.raises(StillAttached, match="'two', which is not in") as caught:
        await network.remove(POD)
    assert caught.value.pod_id == "abc"
    assert fake.results() == ["net-abc-eth0"]
    fake.install("two")
    await network.remove(POD)
    assert fake.results() == []


async def test_a_damaged_record_is_removed_by_the_present_configuration(fake: FakePlugins, network: Network) -> None:
    await network.add(POD)
    (fake.cache / "results" / "net-abc-eth0").write_bytes(b"")
    await network.remove(POD)
    assert fake.order()[2:] == ["DEL two", "DEL one"]
    assert fake.results() == []


async def test_a_damaged_record_without_a_configuration_is_told(fake: FakePlugins, network: Network) -> None:
    await network.add(POD)
    (fake.cache / "results" / "net-abc-eth0").write_bytes(b"")
    (fake.conf / "10-net.conflist").unlink()
    await until_ready(network, ready=False)
    with pytest.raises(StillAttached, match=r"net-abc-eth0 is damaged"):
        await network.remove(POD)


async def test_a_plugin_that_hangs_is_a_time_out_and_undone(fake: FakePlugins) -> None:
    fake.install("one").configure("10-net.conflist", "one")
    fake.hangs("one", "ADD")
    network = made(fake, add_timeout=0.3)
    await network.start()
    with pytest.raises(PluginTimedOut):
        await network.add(POD)
    assert fake.order() == ["ADD one", "DEL one"]
    await network.close()


async def test_pods_do_not_wait_for_each_other_but_one_pod_for_itself(fake: FakePlugins, network: Network) -> None:
    gate = fake.cache / "gate"
    waits = f'[ "$CNI_CONTAINERID" != abc ] || until [ -e "{gate}" ]; do sleep 0.02; done'
    fake.does("one", "ADD", f"{waits}; echo '{json.dumps(RESULT)}'\n")
    first = asyncio.create_task(network.add(POD))
    await until(lambda: fake.order() == ["ADD one"])
    removal = asyncio.create_task(network.remove(POD))
    await network.add(replace(POD, pod_id="def"))
    assert not first.done() and not removal.done()
    gate.touch()
    await asyncio.gather(first, removal)
    assert fake.results() == ["net-def-eth0"]


async def test_capabilities_reach_the_plugin_that_lists_them(fake: FakePlugins) -> None:
    fake.install("one", "two").configure(
        "10-net.conflist", {"type": "one", "capabilities": {"ipRanges": True}},
        {"type": "two", "capabilities": {"portMappings": True}},
    )  # fmt: skip
    network = made(fake)
    await network.start()
    await network.update_pod_cidr("10.244.1.0/24, fd00::/64")
    await network.add(replace(POD, port_mappings=(PortMapping(container_port=80, host_port=8080),)))
    assert fake.stdin("one", "ADD")["runtimeConfig"] == {
        "ipRanges": [[{"subnet": "10.244.1.0/24"}], [{"subnet": "fd00::/64"}]]
    }
    mapping = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}
    assert fake.stdin("two", "ADD")["runtimeConfig"] == {"portMappings": [mapping]}
    await network.remove(POD)  # the caller need not know them any more
    assert fake.stdin("two", "DEL")["runtimeConfig"] == {"portMappings": [mapping]}
    await network.close()


async def test_host_ports_that_nobody_serves_are_logged(
    fake: FakePlugins, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    await network.add(replace(POD, port_mappings=(PortMapping(container_port=80, host_port=8080),)))
    assert "no plugin of network 'net' has the capability portMappings" in caplog.text


async def test_readiness_follows_the_directory(fake: FakePlugins) -> None:
    network = made(fake)
    await network.start()
    assert network.readiness().reason == "NetworkPluginNotReady"
    assert str(fake.conf) in network.readiness().message
    with pytest.raises(NetworkNotReady):
        await network.add(POD)
    fake.configure("10-net.conflist", "one")
    await until_told(network, "plugin 'one'")
    assert not network.readiness().ready
    fake.install("one")
    assert network.readiness().ready
    (fake.conf / "00-bad.conflist").write_text("{")
    await until_told(network, "00-bad.conflist")
    assert network.readiness().ready
    await network.close()


async def test_status_of_a_new_network_decides_readiness(fake: FakePlugins) -> None:
    fake.install("one").configure("10-net.conflist", "one", cniVersion="1.1.0")
    fake.fails("one", "STATUS", code=50, msg="agent is down")
    network = made(fake)
    await network.start()
    await until_told(network, "agent is down")
    fake.succeeds("one", "STATUS")
    await until_ready(network)
    await network.close()


async def test_gc_keeps_valid_recorded_and_foreign_attachments(fake: FakePlugins) -> None:
    fake.install("one").configure("10-net.conflist", "one", cniVersion="1.1.0")
    network = made(fake)
    await network.start()
    await network.add(POD)
    await network.gc([replace(POD, pod_id="def")])
    listed = fake.stdin("one", "GC")["cni.dev/valid-attachments"]
    assert [attachment["containerID"] for attachment in listed] == ["abc", "def"]
    fake.fails("one", "GC", msg="no")
    with pytest.raises(PluginError, match="failed GC"):
        await network.gc([])
    await network.close()


async def test_gc_is_not_for_older_networks(fake: FakePlugins, network: Network) -> None:
    await network.gc([POD])
    assert fake.order() == []


async def test_check_asks_with_the_result_of_add(fake: FakePlugins, network: Network) -> None:
    await network.check(POD)
    assert fake.order() == []
    await network.add(POD)
    fake.fails("two", "CHECK", msg="rule is gone")
    with pytest.raises(PluginError, match="rule is gone"):
        await network.check(POD)
    assert fake.stdin("one", "CHECK")["prevResult"] == RESULT


async def test_a_cache_that_cannot_be_written_stops_add_before_anything_is_made(
    fake: FakePlugins, network: Network
) -> None:
    fake.cache.write_text("in the way")
    with pytest.raises(ResourceExhausted, match="net-abc-eth0"):
        await network.add(POD)
    assert fake.order() == []


async def test_the_record_keeps_the_configuration_as_it_was(fake: FakePlugins, network: Network) -> None:
    await network.add(POD)
    record = json.loads((fake.cache / "results" / "net-abc-eth0").read_bytes())
    assert base64.b64decode(record["config"]) == (fake.conf / "10-net.conflist").read_bytes()
    assert os.listdir(fake.cache / "results") == ["net-abc-eth0"]
