"""What a test can leave behind, as a snapshot: processes, namespaces, mounts, interfaces, rules, cgroups, files.

Each kind is a multiset of lines that a person can read, so the difference of two snapshots is its own error message.
Everything is read from the kernel; nothing is asked of the code under test.
"""

import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness import cgroups, children

SETTLE = 5.0
"""Seconds in which what was ordered to end may still be ending."""

watched: list[Path] = []
"""Directories whose files every snapshot compares: those of the daemon that lives for the whole run."""

# Made by the portmap plugin once per network namespace and kept by design; only jumps to a pod's own chain count.
_KEPT_CHAINS = re.compile(r"CNI-HOSTPORT-(DNAT|MASQ|SETMARK)")
_POD_CHAIN = "CNI-DN-"


@dataclass(frozen=True)
class Snapshot:
    """One look at everything that could leak."""

    kinds: dict[str, Counter[str]] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """How many of each kind."""
        return {kind: lines.total() for kind, lines in self.kinds.items()}


def take(roots: Iterable[Path] = ()) -> Snapshot:
    """Look now. Files are compared below the watched and the given directories."""
    return Snapshot(
        {
            "process": Counter(_processes()),
            "network namespace": Counter(_network_namespaces()),
            "namespace held open": Counter(_held_namespaces()),
            "mount": Counter(_mounts()),
            "interface": Counter(_interfaces()),
            "firewall rule": Counter(_rules()),
            "cgroup": Counter(cgroups.below_run()),
            "file": Counter(_files([*watched, *roots])),
        }
    )


def difference(before: Snapshot, after: Snapshot) -> list[str]:
    """Lines "+ kind: thing" for what came and "- kind: thing" for what went."""
    lines = []
    for kind, was in before.kinds.items():
        now = after.kinds[kind]
        lines += [f"+ {kind}: {line}" for line in sorted((now - was).elements())]
        lines += [f"- {kind}: {line}" for line in sorted((was - now).elements())]
    return lines


def settle(before: Snapshot, look: Callable[[], Snapshot] = take, *, seconds: float = SETTLE) -> list[str]:
    """The difference that remains once things had time to end; empty when all is as before."""
    deadline = time.monotonic() + seconds
    while (lines := difference(before, look())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return lines


def _own(pid: int) -> bool:
    """A process of this run, but neither pytest itself nor a zombie that only the machine's init can reap."""
    return not children.is_me(pid) and not (children.command_line(pid) == "(zombie)" and children.parent(pid) == 1)


def _processes() -> list[str]:
    return [f"{pid} {children.command_line(pid)[:200]}" for pid in cgroups.run_processes() if _own(pid)]


def _network_namespaces() -> set[str]:
    return {link for pid in cgroups.run_processes() if (link := _readlink(f"/proc/{pid}/ns/net"))}


def _held_namespaces() -> list[str]:
    """Namespaces kept alive by nothing but a descriptor: the leak that no list of mounts or processes shows."""
    held = []
    for pid in cgroups.run_processes():
        if children.is_me(pid):
            continue
        for link in _descriptors(pid):
            if re.match(r"(net|mnt|ipc|uts|pid|user|cgroup):\[", link):
                held.append(f"{link} by {pid} {children.command_line(pid)[:80]}")
    return held


def _descriptors(pid: int) -> list[str]:
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return []
    return [link for number in numbers if (link := _readlink(f"/proc/{pid}/fd/{number}"))]


def _readlink(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _mounts() -> list[str]:
    lines = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        lines.append(f"{before.split()[4]} ({after.split()[0]})")
    return lines


def _interfaces() -> list[str]:
    return [line.partition(":")[0].strip() for line in Path("/proc/self/net/dev").read_text().splitlines()[2:]]


def _rules() -> list[str]:
    # nft shows what iptables-nft made as well; stateless, since counters change by themselves.
    text = subprocess.run(["nft", "-s", "list", "ruleset"], check=True, capture_output=True, text=True).stdout
    rules, chain = [], ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("chain "):
            chain = line.split()[1]
            if chain.startswith("CNI-") and not _KEPT_CHAINS.match(chain):
                rules.append(line)
        elif line and not line.startswith(("table ", "}", "type ", "#")) and not _is_kept(chain, line):
            rules.append(f"{chain}: {line}")
    return rules


def _is_kept(chain: str, rule: str) -> bool:
    return _POD_CHAIN not in rule and bool(_KEPT_CHAINS.match(chain) or _KEPT_CHAINS.search(rule))


def _files(roots: Iterable[Path]) -> list[str]:
    return [
        os.path.join(directory, name)
        for root in roots
        for directory, folders, names in os.walk(root)
        for name in (*folders, *names)
        if not name.endswith(("-wal", "-shm"))
    ]
