"""host-local's order of addresses, and its files. That both understand each other's: tests/integration/cni."""

import fcntl
from ipaddress import IPv4Address, IPv4Network
from itertools import islice
from pathlib import Path

import pytest

from orlop.engine.cni.builtin.leases import Leases, candidates
from orlop.engine.cni.builtin.settings import Range

OWNER = ("c1", "eth0")


def a_range(start: str, end: str, gateway: str = "10.0.0.1") -> Range:
    return Range(IPv4Network("10.0.0.0/24"), *map(IPv4Address, (start, end, gateway)))


def order(ranges: list[Range], last: str = "") -> list[str]:
    found = candidates(ranges, IPv4Address(last) if last else None)
    return [str(address).removeprefix("10.0.0.") for address, _ in islice(found, 20)]


def test_round_robin_over_all_ranges_without_gateways() -> None:
    ranges = [a_range("10.0.0.1", "10.0.0.3"), a_range("10.0.0.8", "10.0.0.9", "10.0.0.9")]
    assert order(ranges) == ["2", "3", "8"]
    assert order(ranges, "10.0.0.2") == ["3", "8", "2"]
    assert order(ranges, "10.0.0.200") == ["2", "3", "8"]


def test_leases_are_files(tmp_path: Path) -> None:
    leases, ranges = Leases(str(tmp_path / "net"), 5.0), [[a_range("10.0.0.1", "10.0.0.3")]]
    ((first, _),) = leases.take(OWNER, ranges)
    ((second, _),) = leases.take(("c2", "eth0"), ranges)
    assert (str(first), str(second)) == ("10.0.0.2", "10.0.0.3")
    assert (tmp_path / "net/10.0.0.2").read_bytes() == b"c1\r\neth0"
    assert (tmp_path / "net/last_reserved_ip.0").read_text() == "10.0.0.3"
    with pytest.raises(OSError, match=r"10\.0\.0\.2 has been given to c1 already"):
        leases.take(OWNER, ranges)
    with pytest.raises(OSError, match=r"no address is free in 10\.0\.0\.1-10\.0\.0\.3"):
        leases.take(("c3", "eth0"), ranges)
    leases.release(OWNER)
    leases.release(OWNER)
    assert not (tmp_path / "net/10.0.0.2").exists()


def test_all_addresses_or_none(tmp_path: Path) -> None:
    leases = Leases(str(tmp_path), 5.0)
    full = [a_range("10.0.0.9", "10.0.0.9", "10.0.0.9")]
    with pytest.raises(OSError, match="no address is free"):
        leases.take(OWNER, [[a_range("10.0.0.2", "10.0.0.5")], full])
    assert not (tmp_path / "10.0.0.2").exists()


def test_a_lease_without_interface_is_an_old_plugins(tmp_path: Path) -> None:
    (tmp_path / "10.0.0.7").write_text("c1")
    Leases(str(tmp_path), 5.0).release(OWNER)
    assert not (tmp_path / "10.0.0.7").exists()


def test_a_lock_that_is_held_is_waited_for_and_then_told(tmp_path: Path) -> None:
    with open(tmp_path / "lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="another process holds"):
            Leases(str(tmp_path), 0.05).release(OWNER)
    Leases(str(tmp_path), 5.0).release(OWNER)
