"""What the kernel must have, over /proc trees made for the test."""

import os
from pathlib import Path

import pytest

from orlop.verify.preflight import kernel
from orlop.verify.preflight.finding import State


class Proc:
    """A tree like /proc, with everything that a node needs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("filesystems", "nodev\toverlay\n\text4\n")
        self.write("self/status", f"CapEff:\t{(1 << 21) | (1 << 12):016x}\n")
        self.write("sys/user/max_user_namespaces", "100\n")
        self.write("sys/kernel/seccomp/actions_avail", "kill_process errno allow\n")
        self.write("sys/net/ipv4/ip_forward", "1\n")
        self.write("sys/net/bridge/bridge-nf-call-iptables", "1\n")
        for kind in kernel.NAMESPACES:
            self.write(f"self/ns/{kind}", "")

    def write(self, path: str, text: str) -> None:
        """Make or replace a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def states(self) -> dict[str, State]:
        """What is found, by name; only what is not well."""
        return {each.name: each.state for each in kernel.look(str(self.root)) if each.state is not State.OK}

    def remedies(self) -> str:
        """All that is to be done."""
        return "\n".join(each.remedy for each in kernel.look(str(self.root)))


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proc:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return Proc(tmp_path)


def test_a_good_kernel(proc: Proc) -> None:
    assert proc.states() == {}
    assert proc.remedies().strip() == ""


def test_no_overlayfs(proc: Proc) -> None:
    proc.write("filesystems", "nodev\tfuseoverlay\n")
    assert proc.states() == {"overlayfs": State.MISSING}
    assert "modprobe overlay" in proc.remedies()


def test_not_root(proc: Proc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert proc.states() == {"privileges": State.MISSING}


def test_root_without_its_powers(proc: Proc) -> None:
    proc.write("self/status", "CapEff:\t00000000a80425fb\n")
    assert proc.states() == {"privileges": State.MISSING}


def test_no_namespaces_of_a_kind(proc: Proc) -> None:
    (proc.root / "self/ns/cgroup").unlink()
    assert proc.states() == {"namespaces": State.MISSING}


def test_what_clusters_want(proc: Proc) -> None:
    proc.write("sys/user/max_user_namespaces", "0\n")
    proc.write("sys/kernel/seccomp/actions_avail", "")
    proc.write("sys/net/ipv4/ip_forward", "0\n")
    proc.write("sys/net/bridge/bridge-nf-call-iptables", "0\n")
    assert proc.states() == {
        "user namespaces": State.WARNING,
        "seccomp": State.WARNING,
        "IPv4 forwarding": State.WARNING,
        "bridge filtering": State.WARNING,
    }
    assert "sysctl -w net.bridge.bridge-nf-call-iptables=1" in proc.remedies()


def test_no_bridge_module(proc: Proc) -> None:
    for file in (proc.root / "sys/net/bridge").iterdir():
        file.unlink()
    (proc.root / "sys/net/bridge").rmdir()
    assert "modprobe br_netfilter" in proc.remedies()


def test_this_machine_has_cgroups() -> None:
    assert "version" in kernel.cgroups().detail
