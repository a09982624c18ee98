"""The pure cgroup v2 hierarchy (cgroup-v2.rst).

Reading formats and planning of limits are in reading.py and writing.py.
"""

import errno
import os
import time

from orlop.linux.cgroups.account import CgroupAccount
from orlop.linux.cgroups.account_v2 import account_v2
from orlop.linux.cgroups.paths import (
    below,
    kill_each,
    kill_until_empty,
    levels,
    make_directory,
    processes_in,
    remove_directories,
)
from orlop.linux.cgroups.reading import Directory, Reader, as_number, as_pressure, field, read_file
from orlop.linux.cgroups.usage import CgroupUsage
from orlop.linux.cgroups.writing import plan_v2
from orlop.linux.files import read_text, write_value
from orlop.model.resources import LinuxContainerResources

CRUN_GROUP = "container"
"""crun with the systemd driver puts the container and its limits into this group below the scope (crun(1))."""


class UnifiedHierarchy:
    """cgroup v2 mounted at one directory. Implements Hierarchy."""

    version = 2

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/") or "/"

    def _dir(self, path: str) -> str:
        return below(self._root, path)

    @property
    def controllers(self) -> frozenset[str]:
        """Controllers that the root offers."""
        return frozenset(read_text(f"{self._root}/cgroup.controllers").split())

    def exists(self, path: str) -> bool:
        """Whether the cgroup is there."""
        return os.path.isdir(self._dir(path))

    def create(self, path: str, *, controllers: bool = True) -> None:
        """Make a cgroup with its parents; with controllers each parent hands on all that it can."""
        self._dir(path)  # a bad path is told before anything is made
        parent = "/"
        for level in levels(path):
            if controllers:
                self._hand_on(self._dir(parent))
            make_directory(self._dir(level))
            parent = level

    def _hand_on(self, directory: str) -> None:
        """Enable a cgroup's controllers for its children, those that are not yet. Best effort, like the delegation."""
        offered = set(read_text(f"{directory}/cgroup.controllers").split())
        missing = offered - set(read_text(f"{directory}/cgroup.subtree_control").split())
        for controller in sorted(missing):
            try:
                write_value(f"{directory}/cgroup.subtree_control", f"+{controller}")
            except OSError as error:
                # Processes inside (EBUSY), real-time threads (EINVAL), not delegated (EACCES, EPERM): the children do
                # without; apply() names the file if a limit needs it.
                if error.errno not in (errno.EBUSY, errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOENT):
                    raise

    def remove(self, path: str) -> None:
        """Remove a cgroup and its children; not there is fine, EBUSY is retried for a second."""
        remove_directories([self._dir(path)])

    def pids(self, path: str) -> list[int]:
        """Processes in the cgroup and its children."""
        return processes_in(self._dir(path))

    def move(self, path: str, pid: int) -> None:
        """Move a process into the cgroup (0: the caller's own)."""
        write_value(f"{self._dir(path)}/cgroup.procs", str(pid))

    def kill_all(self, path: str, *, limit: float = 2.0) -> None:
        """SIGKILL everything in it until none is left.

        By cgroup.kill (Linux 5.14); on older kernels one by one while frozen.
        """
        kill_until_empty(path, lambda: self.pids(path), lambda: self._strike(path), limit)

    def _strike(self, path: str) -> None:
        try:
            write_value(f"{self._dir(path)}/cgroup.kill", "1")
            return
        except FileNotFoundError:
            pass  # older kernel, or the cgroup has just gone
        try:
            self.freeze(path)
        except FileNotFoundError:
            return
        kill_each(self.pids(path))
        self.thaw(path)

    def freeze(self, path: str) -> None:
        """Stop all processes in it; cgroup.events tells later when all have stopped."""
        write_value(f"{self._dir(path)}/cgroup.freeze", "1")

    def thaw(self, path: str) -> None:
        """Let them go on."""
        try:
            write_value(f"{self._dir(path)}/cgroup.freeze", "0")
        except FileNotFoundError:
            pass  # gone: nothing is frozen

    def frozen(self, path: str) -> bool:
        """Whether it was asked to stop."""
        return as_number(read_file(f"{self._dir(path)}/cgroup.freeze")) == 1

    def usage(self, path: str, read: Reader = read_file) -> CgroupUsage:
        """One reading: eleven small files, and one more for each limit that is not there."""
        directory = self._dir(path)

        def number(name: str) -> int | None:
            return as_number(read(f"{directory}/{name}"))

        def limit(name: str) -> int | None:
            found = number(name)
            return found if found is not None else number(f"{CRUN_GROUP}/{name}")

        memory = read(f"{directory}/memory.stat")
        if memory is None and not os.path.isdir(directory):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), directory)
        used, inactive = number("memory.current"), field(memory, b"inactive_file") or 0
        cpu = field(read(f"{directory}/cpu.stat"), b"usage_usec")
        return CgroupUsage(
            timestamp_ns=time.time_ns(),
            cpu_ns=None if cpu is None else cpu * 1000,
            memory_usage=used,
            memory_limit=limit("memory.max"),
            working_set=None if used is None else max(0, used - inactive),
            rss=field(memory, b"anon"),
            page_faults=field(memory, b"pgfault"),
            major_page_faults=field(memory, b"pgmajfault"),
            swap_usage=number("memory.swap.current"),
            swap_limit=limit("memory.swap.max"),
            pids=number("pids.current"),
            cpu_pressure=as_pressure(read(f"{directory}/cpu.pressure")),
            memory_pressure=as_pressure(read(f"{directory}/memory.pressure")),
            io_pressure=as_pressure(read(f"{directory}/io.pressure")),
        )

    def account(self, path: str) -> CgroupAccount:
        """Everything that is counted. Raises FileNotFoundError when the cgroup is not there."""
        with Directory(self._dir(path)) as cgroup:
            return account_v2(self.usage(path), cgroup)

    def apply(self, path: str, resources: LinuxContainerResources) -> None:
        """Write limits; OSError names the file and the value that the kernel refused."""
        directory = self._dir(path)
        for write in plan_v2(resources):
            try:
                write_value(f"{directory}/{write.name}", write.value)
            except FileNotFoundError:
                if not write.optional or not os.path.isdir(directory):
                    raise

    def oom_kills(self, path: str) -> int:
        """memory.events' oom_kill; it counts the children's too."""
        try:
            with Directory(self._dir(path)) as cgroup:
                return field(cgroup.read("memory.events"), b"oom_kill") or 0
        except FileNotFoundError:
            return 0

    def removed_oom_kills(self, path: str) -> int:
        """Its own count less those of the children that are there."""
        try:
            with os.scandir(self._dir(path)) as entries:
                living = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return 0
        # The children first: a kill meanwhile is then one too many, never one too few for a later look.
        there = sum(self.oom_kills(f"{path}/{name}") for name in living)
        return max(0, self.oom_kills(path) - there)

    def cgroup_of(self, pid: int) -> str:
        """Cgroup path of a process."""
        try:
            for line in read_text(f"/proc/{pid}/cgroup").splitlines():
                if line.startswith("0::"):
                    return line[3:].removesuffix(" (deleted)")
        except FileNotFoundError:
            pass  # told below
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH), f"/proc/{pid}/cgroup")

    def own_procs(self) -> str:
        """Path of the cgroup.procs of the cgroup that this process is in."""
        return f"{self._dir(self.cgroup_of(os.getpid()))}/cgroup.procs"
