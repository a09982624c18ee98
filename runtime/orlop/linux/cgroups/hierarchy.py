"""What a cgroup hierarchy can do, one interface for both versions (cgroups(7)).

Paths start with "/" at the mount's root.

The implementations are v1.py and v2.py; detection.py picks one. Creating systemd scopes is the OCI runtime's job.
"""

from typing import Protocol

from orlop.linux.cgroups.account import CgroupAccount
from orlop.linux.cgroups.reading import Reader, read_file
from orlop.linux.cgroups.usage import CgroupUsage
from orlop.model.resources import LinuxContainerResources


class Hierarchy(Protocol):
    """The node's cgroups. Paths are cgroup paths as in /proc/<pid>/cgroup: "/kubepods/burstable/pod…"."""

    @property
    def version(self) -> int:
        """1 (also hybrid hosts) or 2."""

    @property
    def controllers(self) -> frozenset[str]:
        """Controllers that are usable: "cpu", "memory", "pids", "hugetlb" …"""

    def exists(self, path: str) -> bool:
        """Whether the cgroup is there (v1: in any controller)."""

    def create(self, path: str, *, controllers: bool = True) -> None:
        """Make a cgroup with its parents, controllers enabled where possible. Existing is fine.

        Without `controllers` the parents are left as they are: for a cgroup that is to be counted, not limited.
        """

    def remove(self, path: str) -> None:
        """Remove a cgroup and its children. Not there is fine.

        EBUSY (a process is still dying) is retried for a moment.
        """

    def pids(self, path: str) -> list[int]:
        """Processes in the cgroup and its children; empty when it is not there."""

    def move(self, path: str, pid: int) -> None:
        """Move a process into the cgroup (0: the caller's own)."""

    def kill_all(self, path: str, *, limit: float = 2.0) -> None:
        """SIGKILL every process in it and its children until none is left. Not there is fine.

        Blocks up to `limit` seconds; OSError EBUSY when some are left then (a process in uninterruptible sleep).
        """

    def freeze(self, path: str) -> None:
        """Stop all processes in it (does not wait until the last one has stopped)."""

    def thaw(self, path: str) -> None:
        """Let them go on. Not there is fine."""

    def frozen(self, path: str) -> bool:
        """Whether it is frozen, or about to be. False when it is not there."""

    def usage(self, path: str, read: Reader = read_file) -> CgroupUsage:
        """One cheap reading of some ten files. Raises FileNotFoundError when the cgroup is not there."""

    def account(self, path: str) -> CgroupAccount:
        """Everything that the cgroup counts, in some twenty files. Raises FileNotFoundError when it is not there."""

    def apply(self, path: str, resources: LinuxContainerResources) -> None:
        """Write limits. OSError names the file and the value that the kernel refused."""

    def oom_kills(self, path: str) -> int:
        """Processes that the OOM killer has killed in it since it exists; 0 when it is not there."""

    def removed_oom_kills(self, path: str) -> int:
        """The same of children that have been removed, as far as their parent remembers them (v1: it does not, 0)."""

    def cgroup_of(self, pid: int) -> str:
        """Cgroup path of a process (v1: in the memory controller). Raises ProcessLookupError when it is gone."""

    def own_procs(self) -> str:
        """Path of the cgroup.procs of the cgroup that this process is in (v1: in some controller)."""
