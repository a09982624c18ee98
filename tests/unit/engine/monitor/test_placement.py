"""The monitors' cgroup."""

import pytest

from orlop.engine.monitor.placement import monitor_cgroup


@pytest.mark.parametrize(
    ("configured", "path"),
    [
        ("pod", "/kubepods/pod1/orlop-monitor-p"),
        ("system.slice", "/system.slice/orlop-monitor-p"),
        ("a-b.slice", "/a.slice/a-b.slice/orlop-monitor-p"),
        ("/monitors", "/monitors/orlop-monitor-p"),
    ],
)
def test_a_leaf_of_each_pod_in_the_pod_or_the_configured_one(configured: str, path: str) -> None:
    assert monitor_cgroup("p", "/kubepods/pod1/", configured) == path
