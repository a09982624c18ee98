"""Limits from the CRI's notation to the runtime-spec's."""

import pytest

from orlop.engine.oci.inputs import Spec
from orlop.engine.oci.resources import linux_resources, without_no_quota
from orlop.model.errors import InvalidArgument
from orlop.model.resources import HugepageLimit, LinuxContainerResources
from tests.unit.engine.oci.samples import FACTS, inputs


def test_nothing_asked_nothing_limited() -> None:
    assert linux_resources(LinuxContainerResources(), FACTS) == {}


def test_everything() -> None:
    resources = LinuxContainerResources(
        cpu_shares=512,
        cpu_quota=-1,
        cpu_period=100_000,
        cpuset_cpus="0-1",
        cpuset_mems="0",
        memory_limit_in_bytes=1 << 30,
        memory_swap_limit_in_bytes=2 << 30,
        hugepage_limits=(HugepageLimit(page_size="2MB", limit=0), HugepageLimit(page_size="1GB", limit=0)),
        unified={"memory.high": "1000"},
    )
    assert linux_resources(resources, FACTS, pids_limit=10) == {
        "cpu": {"shares": 512, "quota": -1, "period": 100_000, "cpus": "0-1", "mems": "0"},
        "memory": {"limit": 1 << 30, "swap": 2 << 30},
        "hugepageLimits": [{"pageSize": "2MB", "limit": 0}],
        "pids": {"limit": 10},
        "unified": {"memory.high": "1000"},
    }


def test_swap_is_none_unless_asked_for_and_left_alone_where_it_cannot_be_limited() -> None:
    resources = LinuxContainerResources(memory_limit_in_bytes=1000)
    assert linux_resources(resources, FACTS)["memory"] == {"limit": 1000, "swap": 1000}
    without = inputs(facts={"swap_accounting": False}).facts
    assert linux_resources(resources, without)["memory"] == {"limit": 1000}


def test_unified_needs_v2() -> None:
    with pytest.raises(InvalidArgument, match="cgroup v1"):
        linux_resources(LinuxContainerResources(unified={"a": "b"}), inputs(facts={"cgroup_version": 1}).facts)


@pytest.mark.parametrize(
    ("limits", "rest"),
    [
        ({"cpu": {"quota": -1}}, {}),
        ({"cpu": {"quota": -1, "shares": 2}, "memory": {"limit": 3}}, {"cpu": {"shares": 2}, "memory": {"limit": 3}}),
        ({"cpu": {"quota": 5000, "period": 100_000}}, {"cpu": {"quota": 5000, "period": 100_000}}),
        ({"memory": {"limit": 3}}, {"memory": {"limit": 3}}),
    ],
)
def test_no_quota_is_left_out(limits: Spec, rest: Spec) -> None:
    assert without_no_quota(limits) == rest
