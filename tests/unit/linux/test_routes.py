"""Routes of a namespace of the test's own."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from orlop.linux.namespaces import pin_new, run_in_netns, unpin
from orlop.linux.routes import interface_to, networks_on

pytestmark = pytest.mark.root
T = TypeVar("T")
SETUP = """
link set lo up
link add d0 type veth peer name p0
link add d1 type veth peer name p1
addr add 10.7.0.1/24 dev d0
addr add fd07::1/64 dev d0 nodad
addr add 10.8.0.1/32 dev d1
link set d0 up
link set d1 up
link set p0 up
link set p1 up
route add default via 10.7.0.254
route add 10.9.0.5/32 dev d1
"""


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Callable[[Callable[[], T]], T]]:
    path = str(tmp_path / "net")
    pin_new(["net"], {"net": path})
    run_in_netns(path, lambda: subprocess.run(["ip", "-b", "-"], input=SETUP, text=True, check=True))
    yield lambda fn: run_in_netns(path, fn)
    unpin(path)


@pytest.mark.parametrize(
    ("address", "interface"),
    [
        ("10.7.0.9", "d0"),
        ("10.9.0.5", "d1"),
        ("1.1.1.1", "d0"),
        ("fd07::9", "d0"),
        ("fd08::1", ""),
        ("127.0.0.1", "lo"),
    ],
)
def test_the_interface_to_an_address(inside: Callable[[Callable[[], str]], str], address: str, interface: str) -> None:
    assert inside(lambda: interface_to(address)) == interface


def test_networks_behind_an_interface(inside: Callable[[Callable[[], list[str]]], list[str]]) -> None:
    assert inside(lambda: networks_on("d0")) == ["10.7.0.0/24", "fd07::/64"]
    assert inside(lambda: networks_on("d1")) == ["10.9.0.5/32"]
    assert inside(lambda: networks_on("none")) == []
