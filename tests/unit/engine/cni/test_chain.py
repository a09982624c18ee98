"""A chain in order for ADD and in reverse for DEL, which goes on to its end whatever fails."""

import json

import pytest

from orlop.engine.cni import chain
from orlop.engine.cni.attachment import Attachment
from orlop.engine.cni.conflist import NetworkConfig, parse
from orlop.engine.cni.failures import PluginError
from orlop.engine.cni.plugin import Plugins
from orlop.engine.cni.request import request_for
from tests.fakes.cni import RESULT, FakePlugins

REQUEST = request_for(Attachment(pod_id="abc", namespace="web", name="front", netns="/run/ns/net"), {})


def configured(fake: FakePlugins, *plugins: str, version: str = "1.0.0") -> NetworkConfig:
    path = fake.configure("10-net.conflist", *plugins, cniVersion=version)
    return parse(path.read_bytes(), str(path))


async def test_each_plugin_gets_the_result_of_the_one_before(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("one", "two", "three").prints("two", "ADD", json.dumps(RESULT | {"by": "two"}))
    config = configured(fake, "one", "two", "three")
    result = await chain.add(plugins, config, REQUEST, 30)
    assert fake.order() == ["ADD one", "ADD two", "ADD three"]
    assert "prevResult" not in fake.stdin("one", "ADD")
    assert fake.stdin("two", "ADD")["prevResult"] == RESULT
    assert fake.stdin("three", "ADD")["prevResult"]["by"] == "two"
    assert result.pod_ips("eth0") == ("10.1.0.5",)


async def test_add_ends_with_the_first_failure(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("one", "two", "three").fails("two", "ADD", msg="no")
    with pytest.raises(PluginError, match="'two' failed ADD"):
        await chain.add(plugins, configured(fake, "one", "two", "three"), REQUEST, 30)
    assert fake.order() == ["ADD one", "ADD two"]


@pytest.mark.parametrize(("printed", "words"), [("", "no result"), ("hello", "hello"), ("{}", "gave pod web/front no")])
async def test_a_useless_result_is_an_error(fake: FakePlugins, plugins: Plugins, printed: str, words: str) -> None:
    fake.install("one").prints("one", "ADD", printed)
    with pytest.raises(PluginError, match=words):
        await chain.add(plugins, configured(fake, "one"), REQUEST, 30)


async def test_delete_goes_backwards_with_the_final_result(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("one", "two")
    errors = await chain.delete(plugins, configured(fake, "one", "two"), REQUEST, b'{"final": true}', 30)
    assert errors == []
    assert fake.order() == ["DEL two", "DEL one"]
    assert fake.stdin("one", "DEL")["prevResult"] == {"final": True}
    assert fake.stdin("two", "DEL")["prevResult"] == {"final": True}


async def test_old_networks_get_no_result_at_delete(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("one")
    await chain.delete(plugins, configured(fake, "one", version="0.3.1"), REQUEST, b"{}", 30)
    assert "prevResult" not in fake.stdin("one", "DEL")


async def test_delete_reaches_every_plugin(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("one", "two", "three").fails("three", "DEL", msg="iptables is busy")
    fake.uninstall("two")
    errors = await chain.delete(plugins, configured(fake, "one", "two", "three"), REQUEST, None, 30)
    assert [error.plugin for error in errors] == ["three", "two"]
    assert fake.order() == ["DEL three", "DEL one"]


async def test_a_pod_that_the_plugin_does_not_know_is_deleted(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("one").fails("one", "DEL", code=3, msg="unknown container")
    assert await chain.delete(plugins, configured(fake, "one"), REQUEST, None, 30) == []


async def test_a_hanging_plugin_leaves_time_for_the_others(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("one", "two").hangs("two", "DEL")
    errors = await chain.delete(plugins, configured(fake, "one", "two"), REQUEST, None, 0.5)
    assert [error.plugin for error in errors] == ["two"]
    assert fake.order() == ["DEL two", "DEL one"]


async def test_status_and_check_end_with_the_first_complaint(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("one", "two", "three")
    config = configured(fake, "one", "two", "three", version="1.1.0")
    await chain.status(plugins, config, 30)
    await chain.check(plugins, config, REQUEST, b"{}", 30)
    fake.fails("two", "STATUS", code=50, msg="agent is down")
    fake.fails("two", "CHECK", msg="veth is gone")
    fake.clear()
    with pytest.raises(PluginError, match="agent is down"):
        await chain.status(plugins, config, 30)
    with pytest.raises(PluginError, match="veth is gone"):
        await chain.check(plugins, config, REQUEST, b"{}", 30)
    assert fake.order() == ["STATUS one", "STATUS two", "CHECK one", "CHECK two"]


async def test_gc_reaches_every_plugin(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("one", "two").fails("one", "GC", msg="no")
    config = configured(fake, "one", "two", version="1.1.0")
    errors = await chain.gc(plugins, config, [("b", "eth0"), ("a", "eth0"), ("a", "eth0")], 30)
    assert [error.plugin for error in errors] == ["one"]
    assert fake.stdin("two", "GC")["cni.dev/valid-attachments"] == [
        {"containerID": "a", "ifname": "eth0"},
        {"containerID": "b", "ifname": "eth0"},
    ]
