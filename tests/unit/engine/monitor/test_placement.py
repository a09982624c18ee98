"""The monitors' cgroup."""

import pytest

from orlop.engine.monitor.placement import monitor_cgroup


@pytest.mark.parametrize(
    ("configured", "path"),
    [
        ("pod", "/kubepods/pod1/orlop-monitor"),
        ("system.slice", "/system.slice"),
        ("a-b.slice", "/a.slice/a-b.slice"),
        ("/monitors", "/monitors"),
    ],
)
def test_a_leaf_in_the_pod_or_the_configured_one(configured: str, path: str) -> None:
    assert monitor_cgroup("/kubepods/pod1/", configured) == path
