"""Cgroup trees in memory: `FakeHierarchy` with readings that the test sets, `FakeTree` with processes in it too."""

import contextlib
import errno
import os
import signal

from orlop.linux.cgroups.reading import Reader, read_file
from orlop.linux.cgroups.usage import CgroupUsage
from tests.fakes.story import Story


class FakeHierarchy:
    """Stands in for orlop.linux.cgroups.hierarchy.Hierarchy."""

    version = 2

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.readings: dict[str, CgroupUsage] = {}

    def exists(self, path: str) -> bool:
        return path in self.paths

    def create(self, path: str, *, controllers: bool = True) -> None:
        parts = path.strip("/").split("/")
        self.paths |= {"/" + "/".join(parts[: depth + 1]) for depth in range(len(parts))}

    def remove(self, path: str) -> None:
        self.paths = {other for other in self.paths if other != path and not other.startswith(f"{path}/")}

    def usage(self, path: str, read: Reader = read_file) -> CgroupUsage:
        if path not in self.readings:
            raise FileNotFoundError(2, "no such cgroup", path)
        return self.readings[path]


class FakeTree(FakeHierarchy):
    """A hierarchy with real processes in its cgroups, whose calls are part of a story."""

    def __init__(self, story: Story) -> None:
        super().__init__()
        self._story = story
        self._members: dict[int, str] = {}
        self._stuck: dict[str, list[int]] = {}
        self._ooms: dict[str, int] = {}

    def create(self, path: str, *, controllers: bool = True) -> None:
        self._story.ask("hierarchy.create", path)
        super().create(path, controllers=controllers)

    def remove(self, path: str) -> None:
        self._story.ask("hierarchy.remove", path)
        super().remove(path)

    def enter(self, path: str, pid: int) -> None:
        """A process is born in a cgroup."""
        super().create(path)
        self._members[pid] = path
        self.readings.setdefault(path, CgroupUsage(timestamp_ns=1))

    def leave(self, pid: int) -> None:
        """A process has ended, and its cgroup goes with it."""
        self.readings.pop(self._members.pop(pid, ""), None)

    def move(self, path: str, pid: int) -> None:
        self._story.ask("hierarchy.move", path)

    def pids(self, path: str) -> list[int]:
        return [*self._stuck.get(path, []), *(pid for pid, home in self._members.items() if home == path)]

    def cgroup_of(self, pid: int) -> str:
        if pid not in self._members:
            raise ProcessLookupError(errno.ESRCH, "no such process", f"/proc/{pid}")
        return self._members[pid]

    def own_procs(self) -> str:
        return os.devnull

    def frozen(self, path: str) -> bool:
        return False

    def kill_all(self, path: str, *, limit: float = 2.0) -> None:
        self._story.ask("hierarchy.kill_all", path)
        if path in self._stuck:
            raise OSError(errno.EBUSY, "processes are left after SIGKILL", path)
        for pid in self.pids(path):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def gets_stuck(self, path: str, *pids: int) -> None:
        """These processes of the cgroup cannot be killed."""
        self._stuck[path] = list(pids)

    def comes_free(self, path: str) -> None:
        """They can again."""
        del self._stuck[path]

    def oom_kills(self, path: str) -> int:
        self._story.ask("hierarchy.oom_kills", path)
        return self._ooms.get(path, 0)

    def removed_oom_kills(self, path: str) -> int:
        """As on cgroup v1: a parent remembers nothing of its removed children."""
        return 0

    def has_oom(self, path: str) -> None:
        """The kernel has killed a process for the cgroup's limit."""
        self._ooms[path] = self._ooms.get(path, 0) + 1
