"""STATUS: asked in the background, and believed."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from orlop.engine.cni.conflist import NetworkConfig, parse
from orlop.engine.cni.health import Health
from orlop.engine.cni.plugin import Plugins
from tests.fakes.cni import FakePlugins
from tests.harness.waiting import until


def configured(fake: FakePlugins, version: str = "1.1.0") -> NetworkConfig:
    path = fake.install("one").configure("10-net.conflist", "one", cniVersion=version)
    return parse(path.read_bytes(), str(path))


@pytest.fixture
async def tasks() -> AsyncIterator[list[asyncio.Task[None]]]:
    started: list[asyncio.Task[None]] = []
    yield started
    for task in started:
        task.cancel()
    await asyncio.gather(*started, return_exceptions=True)


async def test_older_networks_are_always_well(fake: FakePlugins, plugins: Plugins) -> None:
    health = Health(plugins)
    assert not health.begin(configured(fake, "1.0.0"))
    assert health.complaint == ""


async def test_a_network_is_ill_until_it_says_otherwise(
    fake: FakePlugins, plugins: Plugins, tasks: list[asyncio.Task[None]]
) -> None:
    health, config = Health(plugins), configured(fake)
    fake.fails("one", "STATUS", code=50, msg="agent is down")
    assert health.begin(config)
    assert "not answered" in health.complaint
    tasks.append(asyncio.create_task(health.watch(config)))
    await until(lambda: "agent is down" in health.complaint)
    fake.succeeds("one", "STATUS")
    await until(lambda: not health.complaint)  # it is asked again soon
    fake.fails("one", "STATUS", code=50, msg="out of addresses")
    health.ask_now()
    await until(lambda: "out of addresses" in health.complaint)
