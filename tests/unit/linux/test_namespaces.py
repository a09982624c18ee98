"""Pinned namespaces: made, prepared from inside, joined, dropped; nothing left after a failure."""

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from orlop.linux import mounts, namespaces, syscalls
from orlop.linux.own_thread import call_in_own_thread

pytestmark = pytest.mark.root


def _paths(root: Path) -> dict[namespaces.Kind, str]:
    return {"net": str(root / "net"), "ipc": str(root / "ipc"), "uts": str(root / "uts")}


def test_pin_run_unpin(tmp_path: Path, private_mounts: None) -> None:
    paths = _paths(tmp_path)
    threads = threading.active_count()
    namespaces.pin_new(("net", "ipc", "uts"), paths, lambda: syscalls.sethostname("inside"))
    assert threading.active_count() == threads
    assert socket.gethostname() != "inside"
    for kind, path in paths.items():
        assert mounts.is_mountpoint(path)
        assert not namespaces.same_namespace(path, f"/proc/self/ns/{kind}")

    def look() -> tuple[bool, list[str]]:
        same = namespaces.same_namespace(paths["net"], "/proc/thread-self/ns/net")
        return same, [name for _, name in socket.if_nameindex()]

    same, interfaces = namespaces.run_in_netns(paths["net"], look)
    assert same
    assert "lo" in interfaces
    for _ in range(2):
        for path in paths.values():
            namespaces.unpin(path)
    assert os.listdir(tmp_path) == []


def test_hostname_and_sysctls_stay_inside(tmp_path: Path, private_mounts: None) -> None:
    def inside() -> None:
        syscalls.sethostname("pod-1")
        Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")

    outside = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()
    paths = _paths(tmp_path)
    namespaces.pin_new(("net", "uts"), paths, inside)

    def look() -> tuple[str, str]:
        descriptor = os.open(paths["uts"], os.O_RDONLY)
        syscalls.setns(descriptor, syscalls.CLONE_NEWUTS)
        os.close(descriptor)
        return os.uname().nodename, Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text().strip()

    assert namespaces.run_in_netns(paths["net"], look) == ("pod-1", "0")
    assert Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text() == outside
    assert os.listdir(tmp_path) != []


def test_failure_leaves_nothing(tmp_path: Path, private_mounts: None) -> None:
    def fail() -> None:
        raise RuntimeError("inside failed")

    with pytest.raises(RuntimeError, match="inside failed"):
        namespaces.pin_new(("net",), _paths(tmp_path), fail)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        namespaces.pin_new(("net", "uts"), {"net": str(tmp_path / "net"), "uts": str(tmp_path / "nowhere" / "uts")})
    assert os.listdir(tmp_path) == []
    assert not [entry for entry in mounts.mount_table() if entry.mountpoint.startswith(str(tmp_path))]


def test_a_used_path_stays_untouched(tmp_path: Path, private_mounts: None) -> None:
    paths = _paths(tmp_path)
    namespaces.pin_new(("net",), paths)
    before = os.stat(paths["net"]).st_ino
    with pytest.raises(FileExistsError, match="/net"):
        namespaces.pin_new(("net",), paths)
    assert os.stat(paths["net"]).st_ino == before


def test_namespaces_of_a_process_are_pinned_all_or_none(tmp_path: Path, private_mounts: None) -> None:
    paths = {"uts": str(tmp_path / "uts"), "user": str(tmp_path / "user")}
    namespaces.pin_of(os.getpid(), paths)
    for kind, path in paths.items():
        assert namespaces.same_namespace(path, f"/proc/self/ns/{kind}")
        namespaces.unpin(path)
    Path(paths["user"]).touch()
    with pytest.raises(FileExistsError):
        namespaces.pin_of(os.getpid(), paths)
    assert os.listdir(tmp_path) == ["user"]


def test_same_namespace_of_missing_ones(tmp_path: Path) -> None:
    assert namespaces.same_namespace("/proc/self/ns/net", "/proc/thread-self/ns/net")
    assert not namespaces.same_namespace("/proc/self/ns/net", "/proc/self/ns/uts")
    assert not namespaces.same_namespace("/proc/self/ns/net", str(tmp_path / "none"))


def test_run_refuses_what_is_no_network_namespace(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        namespaces.run_in_netns(str(tmp_path / "none"), os.getpid)
    (tmp_path / "file").touch()
    for path in (str(tmp_path / "file"), "/proc/self/ns/uts"):
        with pytest.raises(OSError, match="not a network namespace") as caught:
            namespaces.run_in_netns(path, os.getpid)
        assert caught.value.filename == path


def test_own_thread_carries_result_and_exception() -> None:
    assert call_in_own_thread(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        call_in_own_thread(lambda: 1 // 0)


def test_pinning_is_fast(tmp_path: Path, private_mounts: None) -> None:
    took = []
    for number in range(10):
        paths = {"uts": str(tmp_path / f"uts{number}"), "ipc": str(tmp_path / f"ipc{number}")}
        begin = time.perf_counter()
        namespaces.pin_new(("uts", "ipc"), paths)
        took.append(time.perf_counter() - begin)
        for path in paths.values():
            namespaces.unpin(path)
    assert min(took) < 0.005
