"""cgroup v1 hierarchies, also on hybrid hosts (cgroups(7), cgroup-v1/*.rst): one tree per controller, kept alike.

Reading formats and planning of limits are in reading.py and writing.py.
"""

import errno
import os
import time
from collections.abc import Mapping

from orlop.linux.cgroups.account import CgroupAccount
from orlop.linux.cgroups.account_v1 import account_v1
from orlop.linux.cgroups.paths import (
    below,
    kill_each,
    kill_until_empty,
    levels,
    make_directory,
    processes_in,
    remove_directories,
    tree,
)
from orlop.linux.cgroups.reading import Directory, Reader, as_number, field, read_file
from orlop.linux.cgroups.usage import CgroupUsage
from orlop.linux.cgroups.writing import plan_v1
from orlop.linux.files import read_text, write_value
from orlop.model.resources import LinuxContainerResources

# The kernel's "no limit" is the greatest number of whole pages.
_UNLIMITED = 1 << 62

# In the order of trust for "who is inside": an OCI runtime joins them all.
_TRACKING = ("pids", "freezer", "memory", "devices", "cpu")


class LegacyHierarchy:
    """cgroup v1 controllers, each at its mount; controllers mounted together share one. Implements Hierarchy."""

    version = 1

    def __init__(self, mounts: Mapping[str, str]) -> None:
        """Controller (or "name=systemd") to mount point."""
        self._mounts = dict(mounts)

    def _dirs(self, path: str) -> list[str]:
        return [below(mount, path) for mount in dict.fromkeys(self._mounts.values())]

    def _dir(self, controller: str, path: str) -> str | None:
        mount = self._mounts.get(controller)
        return None if mount is None else below(mount, path)

    @property
    def controllers(self) -> frozenset[str]:
        """Controllers that are mounted."""
        return frozenset(name for name in self._mounts if "=" not in name)

    def exists(self, path: str) -> bool:
        """Whether the cgroup is there in any controller."""
        return any(os.path.isdir(directory) for directory in self._dirs(path))

    def create(self, path: str, *, controllers: bool = True) -> None:
        """Make a cgroup with its parents in every controller, wanted or not. Existing is fine."""
        self._dirs(path)  # a bad path is told before anything is made
        cpuset = self._mounts.get("cpuset")
        for level in levels(path):
            for mount in dict.fromkeys(self._mounts.values()):
                make_directory(below(mount, level))
            if cpuset is not None:
                _inherit_cpuset(below(cpuset, level))

    def remove(self, path: str) -> None:
        """Remove a cgroup and its children everywhere; not there is fine, EBUSY is retried for a second."""
        remove_directories(self._dirs(path))

    def pids(self, path: str) -> list[int]:
        """Processes in the cgroup and its children, by the first tracking controller that has it."""
        for controller in (*_TRACKING, *self._mounts):
            directory = self._dir(controller, path)
            if directory is not None and os.path.isdir(directory):
                return processes_in(directory)
        return []

    def _all_pids(self, path: str) -> list[int]:
        return sorted({pid for directory in self._dirs(path) for pid in processes_in(directory)})

    def move(self, path: str, pid: int) -> None:
        """Move a process into the cgroup in every controller (0: the caller's own)."""
        for directory in self._dirs(path):
            write_value(f"{directory}/cgroup.procs", str(pid))

    def kill_all(self, path: str, *, limit: float = 2.0) -> None:
        """SIGKILL everything in it, in any controller, while frozen, until none is left."""
        try:
            kill_until_empty(path, lambda: self._all_pids(path), lambda: self._strike(path), limit)
        finally:
            self.thaw(path)

    def _strike(self, path: str) -> None:
        try:
            self.freeze(path)
        except FileNotFoundError:
            pass  # no freezer, or not in it: the loop catches who forked meanwhile
        kill_each(self._all_pids(path))
        self.thaw(path)  # a frozen process does not die

    def freeze(self, path: str) -> None:
        """Stop all processes in it and its children."""
        directory = self._dir("freezer", path)
        if directory is None:
            raise FileNotFoundError(errno.ENOENT, "no freezer controller is mounted", path)
        write_value(f"{directory}/freezer.state", "FROZEN")

    def thaw(self, path: str) -> None:
        """Let them go on, also in children that were frozen by themselves."""
        directory = self._dir("freezer", path)
        for inner in tree(directory) if directory else ():
            try:
                write_value(f"{inner}/freezer.state", "THAWED")
            except FileNotFoundError:
                continue  # gone, or the root, which cannot be frozen

    def frozen(self, path: str) -> bool:
        """Whether it was asked to stop, or a cgroup above it."""
        directory = self._dir("freezer", path)
        return directory is not None and (read_file(f"{directory}/freezer.state") or b"THAWED").strip() != b"THAWED"

    def usage(self, path: str, read: Reader = read_file) -> CgroupUsage:
        """One reading of the controllers that have the cgroup; v1 has no pressure figures."""
        directory = self._dir("memory", path)
        if directory is None:
            raise FileNotFoundError(errno.ENOENT, "no memory controller is mounted", path)
        stat = read(f"{directory}/memory.stat")
        if stat is None and not os.path.isdir(directory):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), directory)
        used = as_number(read(f"{directory}/memory.usage_in_bytes"))
        limit = _limit(as_number(read(f"{directory}/memory.limit_in_bytes")))
        both = _limit(as_number(read(f"{directory}/memory.memsw.limit_in_bytes")))
        return CgroupUsage(
            timestamp_ns=time.time_ns(),
            cpu_ns=self._number(read, "cpuacct", path, "cpuacct.usage"),
            memory_usage=used,
            memory_limit=limit,
            working_set=None if used is None else max(0, used - (field(stat, b"total_inactive_file") or 0)),
            rss=field(stat, b"total_rss"),
            page_faults=field(stat, b"total_pgfault"),
            major_page_faults=field(stat, b"total_pgmajfault"),
            swap_usage=field(stat, b"total_swap"),
            swap_limit=None if limit is None or both is None else max(0, both - limit),
            pids=self._number(read, "pids", path, "pids.current"),
        )

    def account(self, path: str) -> CgroupAccount:
        """Everything that is counted. Raises FileNotFoundError when the cgroup is not there."""
        return account_v1(self.usage(path), self.oom_kills(path), lambda controller: self._dir(controller, path))

    def _number(self, read: Reader, controller: str, path: str, name: str) -> int | None:
        directory = self._dir(controller, path)
        return None if directory is None else as_number(read(f"{directory}/{name}"))

    def apply(self, path: str, resources: LinuxContainerResources) -> None:
        """Write limits; OSError names the file and the value that the kernel refused."""
        writes = plan_v1(resources)
        self._apply_memory(path, resources)
        for write in writes:
            directory = self._dir(write.controller, path)
            if directory is None:
                if write.optional:
                    continue
                raise OSError(
                    errno.ENOENT, f"cannot write {write.value!r}: no {write.controller} controller", write.name
                )
            try:
                write_value(f"{directory}/{write.name}", write.value)
            except FileNotFoundError:
                if not write.optional or not os.path.isdir(directory):
                    raise

    def _apply_memory(self, path: str, resources: LinuxContainerResources) -> None:
        """Memory may never exceed memory and swap together, not even between the two writes."""
        memory, both = resources.memory_limit_in_bytes, resources.memory_swap_limit_in_bytes
        directory = self._dir("memory", path)
        if not memory and not both:
            return
        if directory is None:
            raise OSError(errno.ENOENT, f"cannot write {memory}: no memory controller", "memory.limit_in_bytes")
        plain, swap = f"{directory}/memory.limit_in_bytes", f"{directory}/memory.memsw.limit_in_bytes"
        steps = [(plain, max(memory, -1))] if memory else []
        if both and os.path.exists(swap):  # else the kernel accounts no swap: memory alone is limited
            growing = both < 0 or both > int(read_text(swap))
            steps = [(swap, max(both, -1)), *steps] if growing else [*steps, (swap, both)]
        for name, value in steps:
            write_value(name, str(value))

    def oom_kills(self, path: str) -> int:
        """memory.oom_control's oom_kill of the cgroup and its children: v1 does not count them for their parent."""
        directory = self._dir("memory", path)
        total = 0
        for inner in tree(directory) if directory else ():
            try:
                with Directory(inner) as cgroup:
                    total += field(cgroup.read("memory.oom_control"), b"oom_kill") or 0
            except FileNotFoundError:
                continue
        return total

    def removed_oom_kills(self, path: str) -> int:
        """Nothing: v1 does not count for the parent."""
        return 0

    def cgroup_of(self, pid: int) -> str:
        """Cgroup path of a process in the memory controller, or in the first one that is mounted."""
        return self._place_of(pid)[1]

    def own_procs(self) -> str:
        """Path of the cgroup.procs of the cgroup that this process is in, in the same controller."""
        controller, path = self._place_of(os.getpid())
        return f"{self._dir(controller, path)}/cgroup.procs"

    def _place_of(self, pid: int) -> tuple[str, str]:
        """A controller that is mounted, memory if it is, and a process's path in it."""
        paths: dict[str, str] = {}
        try:
            for line in read_text(f"/proc/{pid}/cgroup").splitlines():
                _, names, path = line.split(":", 2)
                paths.update(dict.fromkeys(names.split(","), path))
        except FileNotFoundError:
            pass  # told below
        for controller in ("memory", *self._mounts):
            if controller in paths:
                return controller, paths[controller]
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH), f"/proc/{pid}/cgroup")


def _limit(value: int | None) -> int | None:
    return None if value is None or value >= _UNLIMITED else value


def _inherit_cpuset(directory: str) -> None:
    """A new v1 cpuset is empty and takes no process; it starts with its parent's CPUs and memory nodes."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not read_text(f"{directory}/{name}").strip():
            inherited = read_text(f"{os.path.dirname(directory)}/{name}").strip()
            if inherited:
                write_value(f"{directory}/{name}", inherited)
