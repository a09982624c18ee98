"""RuntimeConfig and UpdateRuntimeConfig."""

import pytest

from orlop.model.enums import CgroupDriver
from orlop.model.errors import InvalidArgument
from orlop.services.runtime_config import runtime_config, update_runtime_config
from tests.fakes.deck import FakeNode


async def test_the_cgroup_driver(node: FakeNode) -> None:
    assert runtime_config(node.deck).cgroup_driver is CgroupDriver.CGROUPFS


@pytest.mark.parametrize("cidr", ["10.244.1.0/24", "10.244.1.0/24,fd00:1::/64", "10.244.1.0/24, fd00:1::/64"])
async def test_a_pod_cidr_is_handed_to_the_network(node: FakeNode, cidr: str) -> None:
    await update_runtime_config(node.deck, cidr)
    assert node.network.pod_cidr == cidr
    await update_runtime_config(node.deck, "")
    assert node.network.pod_cidr == cidr


@pytest.mark.parametrize("cidr", ["10.244.1.0/99", "nonsense", "10.244.1.0/24,", "10.244.1.7/24"])
async def test_a_bad_pod_cidr_is_refused_by_name(node: FakeNode, cidr: str) -> None:
    with pytest.raises(InvalidArgument, match=r"network_config\.pod_cidr"):
        await update_runtime_config(node.deck, cidr)
    assert node.network.pod_cidr == ""
