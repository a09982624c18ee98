"""Interface counters out of /proc/<pid>/net/dev. Fuzzed."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.stats.interfaces import Interface, network_usage, parse_net_dev
from orlop.linux.namespaces import pin_new, unpin

TABLE = """\
Inter-|   Receive                            |  Transmit
 face |bytes    packets errs drop (and so on)|bytes    packets errs drop (and so on)
    lo: 1000      10    0    0    0     0          0         0     1000      10    0    0    0     0       0          0
  eth0:123456789  20    3    0    0     0          0         0     2000      30    4    0    0     0       0          0
eth0:1: 5 0 6 0 0 0 0 0 7 0 8 0 0 0 0 0
"""


def test_each_interface_but_loopback() -> None:
    assert parse_net_dev(TABLE) == [
        Interface(name="eth0", rx_bytes=123456789, rx_packets=20, rx_errors=3, rx_dropped=0,
                  tx_bytes=2000, tx_packets=30, tx_errors=4, tx_dropped=0),
        Interface(name="eth0:1", rx_bytes=5, rx_packets=0, rx_errors=6, rx_dropped=0,
                  tx_bytes=7, tx_packets=0, tx_errors=8, tx_dropped=0),
    ]  # fmt: skip


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    parse_net_dev(text)


@pytest.fixture
def netns(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "net")
    pin_new(["net"], {"net": path}, lambda: _ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1"))
    yield path
    unpin(path)


def _ip(*words: str) -> None:
    # Started from the thread that is in the new namespace, hence in it too.
    subprocess.run(["ip", *words], check=True)


@pytest.mark.root
def test_the_interfaces_of_a_namespace_without_a_process(netns: str) -> None:
    usage = network_usage(netns, 0, 5)
    assert usage is not None
    assert usage.timestamp == 5
    assert usage.default_interface is not None
    assert {interface.name for interface in usage.interfaces} == {"eth0", "eth1"}


@pytest.mark.root
def test_a_process_inside_gives_the_same_and_one_outside_is_not_believed(netns: str) -> None:
    inside = subprocess.Popen(["nsenter", f"--net={netns}", "sleep", "60"])
    try:
        by_thread = network_usage(netns, 0, 5)
        assert network_usage(netns, os.getpid(), 5) == by_thread
        while os.readlink(f"/proc/{inside.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            pass  # nsenter has not entered yet
        assert network_usage(netns, inside.pid, 5) == by_thread
    finally:
        inside.kill()
        inside.wait()
    assert network_usage(netns, inside.pid, 5) == by_thread


def test_a_namespace_that_is_gone_has_no_figures() -> None:
    assert network_usage("/nonexistent", 0, 5) is None
