"""Namespaces of the test run: its own network and mount namespace, entered by the pytest process itself.

The process unshares before any thread exists, so everything that a test starts is born inside: no test can reach the
machine's interfaces, firewall or mounts, and what a test leaves behind is visible because nobody else writes there.
The few tests that need the machine's own network (Molecule) run commands in it with `on_host`. Not here: cgroups.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MS_SHARED = 1 << 20
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 1

_libc = ctypes.CDLL(None, use_errno=True)
_host: list[int] = []


def enter() -> None:
    """Move this process into namespaces of its own. Call once, with one thread."""
    if _host:
        return
    _host.extend(os.open(f"/proc/self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("net", "mnt"))
    if _libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")
    # Private first, so that nothing travels back to the machine; then shared among ourselves, as systemd leaves a node.
    for flag in (MS_PRIVATE, MS_SHARED):
        mount(None, "/", None, MS_REC | flag)
    _loopback_up()
    _forwarding_on()


def entered() -> bool:
    """Whether this run has namespaces of its own."""
    return bool(_host)


def mount(source: str | None, target: str, kind: str | None, flags: int = 0, options: str = "") -> None:
    """mount(2). Raises OSError with the target."""
    encoded = [value.encode() if value is not None else None for value in (source, target, kind)]
    if _libc.mount(*encoded, ctypes.c_ulong(flags), options.encode() or None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def unmount(target: str) -> None:
    """umount2(2), at once even if busy. Raises OSError with the target."""
    if _libc.umount2(target.encode(), 2) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def on_host(
    argv: Sequence[str], *, cwd: str = "/", env: Mapping[str, str] | None = None, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in the machine's own network and mount namespaces; output is captured, both streams in one."""
    if _host:
        # Entering a mount namespace resets the working directory, hence the shell.
        net, mnt = _host
        argv = (
            *("nsenter", f"--net=/proc/self/fd/{net}", f"--mount=/proc/self/fd/{mnt}", "--"),
            *("sh", "-c", 'cd "$0" && exec "$@"', cwd, *argv),
        )
    return subprocess.run(
        argv,
        cwd=cwd,
        env=env,
        timeout=timeout,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        pass_fds=tuple(_host),
    )


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def _forwarding_on() -> None:
    # A node's setting, which the node role makes; each network namespace has its own.
    with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as file:
        file.write("1")
