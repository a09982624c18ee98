"""Which version of the specification is spoken with a chain."""

import json

from orlop.engine.cni.conflist import NetworkConfig, parse
from orlop.engine.cni.plugin import Plugins
from orlop.engine.cni.versions import Versions
from tests.fakes.cni import FakePlugins


def supports(fake: FakePlugins, name: str, *versions: str) -> None:
    fake.prints(name, "VERSION", json.dumps({"cniVersion": "1.0.0", "supportedVersions": versions}))


def configured(fake: FakePlugins, *versions: str) -> NetworkConfig:
    path = fake.configure("10-net.conflist", "one", "two", cniVersion=versions[0], cniVersions=versions)
    return parse(path.read_bytes(), str(path))


async def test_the_newest_common_version_is_spoken(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("one", "two")
    supports(fake, "one", "0.4.0", "1.0.0", "1.1.0")
    supports(fake, "two", "0.4.0", "1.0.0")
    settled = await Versions(plugins).settle(configured(fake, "0.4.0", "1.0.0", "1.1.0"))
    assert settled.cni_version == "1.0.0"


async def test_plugins_are_asked_once_and_only_where_there_is_a_choice(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("one", "two")
    versions = Versions(plugins)
    await versions.settle(configured(fake, "1.0.0"))
    assert fake.order() == []
    for _ in range(2):
        await versions.settle(configured(fake, "1.0.0", "1.1.0"))
    assert fake.order() == ["VERSION one", "VERSION two"]


async def test_plugins_that_cannot_be_asked_decide_nothing(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("one").fails("one", "VERSION")
    assert (await Versions(plugins).settle(configured(fake, "0.4.0", "1.1.0"))).cni_version == "1.1.0"
