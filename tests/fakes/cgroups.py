"""A cgroup tree in memory, with readings that the test sets: exists, create, remove and usage, no more."""

from orlop.linux.cgroups.usage import CgroupUsage


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

    def usage(self, path: str) -> CgroupUsage:
        if path not in self.readings:
            raise FileNotFoundError(2, "no such cgroup", path)
        return self.readings[path]
