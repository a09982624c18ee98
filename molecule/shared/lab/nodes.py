"""Starts a node's tree, runs programs in it, and ends it. The tree itself is made in trees."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cgroups
import places
import processes
from tools import Tools

BOOT_SECONDS = 180
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def boot(name: str, tools: Tools) -> None:
    """Start the node and wait until systemd says that it is up and the way out exists."""
    home = places.node(name)
    argv = [tools.locate("systemd-nspawn"), "-q", "-D", str(home / "root"), "-M", name]
    argv += ["--register=no", "--keep-unit", "--private-network", "--capability=all", "--resolv-conf=off"]
    argv += ["--console=pipe", f"--kill-signal={_halt():d}", "/lab-init"]
    # Filters of system calls would be inherited by the containers that are under test.
    env = {**tools.environment("systemd-nspawn"), "SYSTEMD_SECCOMP": "0", "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"}
    spawned = processes.start(argv, env, home / "console.log", before=lambda: cgroups.enter_own(name))
    places.remember(name, nspawn=processes.identity(spawned))
    leader = _leader(spawned)
    places.remember(name, leader=processes.identity(leader))
    _wait_for_systemd(name)
    argv = [tools.locate("slirp4netns"), "-c", "-m", "1400", "--disable-host-loopback", str(leader), "tap0"]
    slirp = processes.start(argv, tools.environment("slirp4netns"), home / "slirp.log")
    places.remember(name, slirp=processes.identity(slirp))
    out = "ip -4 route show default | grep -q ."
    processes.wait(BOOT_SECONDS, lambda: _succeeds(name, out), f"{name} got no way out")


def enter(name: str, argv: list[str]) -> None:
    """Become a process of the node; does not return."""
    leader = places.recall(name).get("leader")
    if not leader or not processes.runs(leader):
        raise places.LabError(f"{name} does not run: create it first")
    cgroups.join_those_of(leader[0])
    env = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb")}
    os.execvpe("nsenter", ["nsenter", "-t", str(leader[0]), "-a", "--", *argv], {**env, "PATH": PATH})


def stop(name: str) -> None:
    """End the node's processes; its tree stays."""
    known = places.recall(name)
    if processes.runs(known.get("leader", [0, 0])):
        _show_out(known["leader"][0])
    for who in ("leader", "nspawn", "slirp", "qemu"):
        if who in known:
            processes.end(known[who], politely=_halt() if who == "leader" else None)


def destroy(name: str) -> None:
    """End the node's processes and take its tree away; a node that does not exist is fine."""
    stop(name)
    root = places.node(name) / "root"
    for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
        point = line.split()[4]
        if point.startswith(f"{root}/") or point == str(root):
            subprocess.run(["umount", "-l", point], check=True)
    if places.node(name).exists():
        shutil.rmtree(places.node(name))


def _show_out(leader: int) -> None:
    """End the processes of this machine that have entered the node.

    systemd stops all processes of the node before it ends them. nsenter then stops itself with its child and is out of
    reach of the signal that goes on, so that the child can never be waited for, and the node never ends.
    """
    inside = os.readlink(f"/proc/{leader}/ns/pid")
    for place in Path("/proc").glob("[0-9]*"):
        # Gone, or one of whose namespaces not even root is told.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            namespaces = [os.readlink(place / "ns" / name) for name in ("pid", "pid_for_children")]
            if namespaces[0] != inside == namespaces[1]:
                os.kill(int(place.name), signal.SIGKILL)


def _leader(spawned: int) -> int:
    """The node's first process: the child of nspawn that is the first one of a PID namespace.

    Before it nspawn has another child for a moment, which makes the namespaces and ends.
    """

    def find() -> int | None:
        children = Path(f"/proc/{spawned}/task/{spawned}/children").read_text().split()
        return next((int(child) for child in children if _is_first(child)), None)

    return processes.wait(BOOT_SECONDS, find, "systemd-nspawn started nothing; see console.log")


def _is_first(pid: str) -> bool:
    """Whether the process is number 1 in a PID namespace below this one (proc(5), NSpid)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
    return len(numbers) > 1 and numbers[-1] == "1"


def _wait_for_systemd(name: str) -> None:
    # "degraded" is up as well: a container misses a thing or two.
    ready = "systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'"
    processes.wait(BOOT_SECONDS, lambda: _succeeds(name, ready), f"systemd of {name} did not come up; see console.log")


def _succeeds(name: str, shell: str) -> bool:
    lab = [sys.executable, str(Path(__file__).parent), "enter", name, "/bin/sh", "-c", shell]
    return subprocess.run(lab, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def _halt() -> int:
    """systemd's signal for an orderly shutdown."""
    return signal.SIGRTMIN + 3
