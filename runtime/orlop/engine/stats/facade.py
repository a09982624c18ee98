"""Stats of containers and pods, one cheap reading each. Listing and filtering are the services'."""

from collections.abc import Sequence

from orlop.engine.stats.container import container_stats, reading
from orlop.engine.stats.interfaces import network_usage
from orlop.engine.stats.pod import pod_stats
from orlop.engine.stats.rates import CpuRates
from orlop.linux.cgroups.held import HeldFiles
from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.linux.cgroups.reading import read_file
from orlop.linux.cgroups.usage import CgroupUsage
from orlop.model.container import ContainerRecord
from orlop.model.pod import PodRecord
from orlop.model.stats import ContainerStats, PodSandboxStats

MOST_HELD = 512
"""Objects whose files are held open, eleven each at most; the kernel keeps a page for each file."""


class Stats:
    """Reads cgroups; remembers one CPU reading per object for the rate, and holds files. On the event loop only."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._hierarchy = hierarchy
        self._rates = CpuRates()
        self._held: dict[str, HeldFiles] = {}

    def container(
        self,
        record: ContainerRecord,
        now_ns: int,
        upper_usage: tuple[int, int] | None,
        fs_mountpoint: str,
        *,
        told: CgroupUsage | None = None,
    ) -> ContainerStats:
        """One container. `upper_usage` is bytes and inodes of its writable layer. An ended one has only that.

        `told` is a reading that somebody else made, in place of its cgroup's.
        """
        return container_stats(
            record,
            told or self._read(record.id, record.cgroup),
            self._rates,
            upper_usage=upper_usage,
            fs_mountpoint=fs_mountpoint,
            now_ns=now_ns,
        )

    def pod(
        self, record: PodRecord, now_ns: int, *, cgroup: str, containers: Sequence[ContainerStats], pid: int = 0
    ) -> PodSandboxStats:
        """One pod. `cgroup` is PodCgroups.stats_path; empty: the containers are summed up.

        `pid` is the process of any of its running containers; 0: none known, and the network then takes a thread.
        Blocks for a fraction of a millisecond.
        """
        netns = record.namespaces.net
        return pod_stats(
            record,
            self._read(record.id, cgroup),
            self._rates,
            containers=containers,
            network=network_usage(netns, pid, now_ns) if netns else None,
            now_ns=now_ns,
        )

    def forget(self, object_id: str) -> None:
        """Drop what is remembered of a container or pod; not known is fine."""
        self._rates.forget(object_id)
        if (held := self._held.pop(object_id, None)) is not None:
            held.close()

    def _read(self, object_id: str, cgroup: str) -> CgroupUsage | None:
        held = self._held.get(object_id)
        if held is None and len(self._held) < MOST_HELD:
            held = self._held[object_id] = HeldFiles()
        usage = reading(self._hierarchy, cgroup, read_file if held is None else held.read)
        if usage is None and held is not None:
            held.close()
            del self._held[object_id]
        return usage
