"""What CHECK says of each pod on record, with plugins that do as they are told."""

from dataclasses import replace
from pathlib import Path

import msgspec

from orlop.config.schema import Network as Section
from orlop.verify.attachments import look
from orlop.verify.preflight.finding import State
from tests.fakes.cni import FakePlugins
from tests.unit.engine.cni.test_network import POD, made


async def test_each_pod_is_told_as_its_plugins_say(tmp_path: Path) -> None:
    fake = FakePlugins(tmp_path)
    fake.install("one", "mute").configure("10-net.conflist", "one")
    section = msgspec.convert(
        {"conf_dir": str(fake.conf), "plugin_dirs": [str(fake.bin)], "cache_dir": str(fake.cache)}, Section
    )
    assert await look(section) == []
    network = made(fake)
    await network.start()
    await network.add(POD)
    await network.close()
    fake.configure("10-net.conflist", "mute", disableCheck=True)
    network = made(fake)
    await network.start()
    await network.add(replace(POD, pod_id="def", name="back"))
    await network.close()
    back, front = await look(section)
    assert (back.name, back.state) == ("pod web/back", State.WARNING)
    assert "disableCheck" in back.detail
    assert (front.name, front.state) == ("pod web/front", State.OK)
    fake.fails("one", "CHECK", msg="no route")
    _, front = await look(section)
    assert front.state is State.MISSING
    assert "no route" in front.detail
    assert front.remedy.endswith("kubectl delete pod -n web front")
    assert [line for line in fake.order() if line.startswith("CHECK")] == ["CHECK one", "CHECK one"]
