"""Stats of containers and pods, one cheap reading each. Listing and filtering are the services'."""

from collections.abc import Sequence

from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.model.container import ContainerRecord
from orlop.model.pod import PodRecord
from orlop.model.stats import ContainerStats, PodSandboxStats


class Stats:
    """Reads cgroups; remembers one CPU reading per object for the rate."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        raise NotImplementedError

    def container(
        self, record: ContainerRecord, now_ns: int, upper_usage: tuple[int, int] | None, fs_mountpoint: str
    ) -> ContainerStats:
        """One container. `upper_usage` is bytes and inodes of its writable layer. An ended one has only that."""
        raise NotImplementedError

    def pod(
        self, record: PodRecord, now_ns: int, *, cgroup: str, containers: Sequence[ContainerStats], pid: int = 0
    ) -> PodSandboxStats:
        """One pod. `cgroup` is the pod's (PodCgroups.pod_path); `pid` a process in its network namespace, 0: none known.

        Blocks for a fraction of a millisecond.
        """
        raise NotImplementedError

    def forget(self, object_id: str) -> None:
        """Drop what is remembered of a container or pod; not known is fine."""
        raise NotImplementedError
