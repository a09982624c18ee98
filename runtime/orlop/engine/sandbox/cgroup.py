"""Where a pod's containers live in the cgroup tree, under both drivers. Limits are not written here.

A kubelet makes the pod's cgroup itself and names it. Other clients may name none, or one that does not exist:

    driver    parent                container                             made and removed by
    cgroupfs  (none)                /orlop/pod-<id>/orlop-<container>     us
    cgroupfs  /kubepods/pod…        /kubepods/pod…/orlop-<container>      kubelet; us if it was missing
    systemd   (none)                /system.slice/orlop-<container>.scope (the slice is the node's)
    systemd   kubepods-pod….slice   …/orlop-<container>.scope             kubelet, or systemd for the scope's sake
"""

import os

from orlop.aio.threads import offload
from orlop.engine.sandbox.paths import pod_dir
from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.linux.cgroups.slices import is_slice, slice_path
from orlop.linux.files import ensure_dir, read_text_or, remove_file, write_atomic
from orlop.model.enums import CgroupDriver
from orlop.model.errors import InvalidArgument

_DEFAULT_PARENTS = {CgroupDriver.CGROUPFS: "/orlop", CgroupDriver.SYSTEMD: "system.slice"}
_PREFIX = "orlop"


class PodCgroups:
    """Paths below the cgroup root, and the pod cgroups that we make ourselves.

    `parent` is always the pod's cgroup_parent as the request gave it (PodRecord.cgroup_parent); empty: our own default.
    """

    def __init__(self, hierarchy: Hierarchy, driver: CgroupDriver, *, state_dir: str, default_parent: str = "") -> None:
        self._hierarchy = hierarchy
        self._driver = driver
        self._state_dir = state_dir
        self._marks = f"{state_dir}/pod-cgroups"
        """One file for each pod whose cgroup was missing, with the cgroup's path."""
        self._default_parent = default_parent or _DEFAULT_PARENTS[driver]
        self._parent_path(self._default_parent, "cgroup.default_parent")

    def check(self, parent: str) -> None:
        """Raises InvalidArgument when a parent does not fit the driver."""
        if parent:
            self._parent_path(parent)

    def pod_path(self, pod_id: str, parent: str) -> str:
        """The pod's cgroup; with the systemd driver and no parent the default slice, shared with others."""
        if parent:
            return self._parent_path(parent)
        default = self._parent_path(self._default_parent)
        return f"{default}/pod-{pod_id}" if self._driver is CgroupDriver.CGROUPFS else default

    def stats_path(self, pod_id: str, parent: str) -> str:
        """The cgroup whose figures are the pod's; empty when there is none of its own."""
        shared = not parent and self._driver is CgroupDriver.SYSTEMD
        return "" if shared else self.pod_path(pod_id, parent)

    def container_path(self, pod_id: str, parent: str, container_id: str) -> str:
        """A container's cgroup."""
        suffix = ".scope" if self._driver is CgroupDriver.SYSTEMD else ""
        return f"{self.pod_path(pod_id, parent)}/{_PREFIX}-{container_id}{suffix}"

    def oci_path(self, pod_id: str, parent: str, container_id: str) -> str:
        """The same as the OCI runtime wants it in linux.cgroupsPath: "slice:orlop:<id>" for the systemd driver."""
        if self._driver is CgroupDriver.CGROUPFS:
            return self.container_path(pod_id, parent, container_id)
        return f"{_slice_name(parent or self._default_parent)}:{_PREFIX}:{container_id}"

    def path_of(self, oci_path: str) -> str:
        """Where a container with this linux.cgroupsPath is. Raises InvalidArgument where it does not fit the driver."""
        field = "linux.cgroupsPath"
        if self._driver is CgroupDriver.CGROUPFS:
            return self._parent_path(oci_path, field)
        parent, prefix, name = [*oci_path.split(":"), "", ""][:3]
        if not name:
            raise InvalidArgument(f"{field} {oci_path!r} is not slice:prefix:name, as the systemd driver wants it")
        scope = f"{prefix}-{name}.scope" if prefix else f"{name}.scope"
        return f"{self._parent_path(parent, field)}/{scope}"

    async def create(self, pod_id: str, parent: str) -> str:
        """Make the pod's cgroup if it is missing, and keep in mind (across restarts) that we did. Returns its path.

        Slices are left to systemd: it makes them with the first scope in them.
        """
        path = self.pod_path(pod_id, parent)
        if self._driver is CgroupDriver.CGROUPFS:
            await offload(self._make, pod_id, path)
        return path

    async def remove(self, pod_id: str, parent: str) -> None:
        """Remove the pod's cgroup if we made it. Its containers must be gone. Not there is fine."""
        if self._driver is CgroupDriver.CGROUPFS:
            await offload(self._remove, pod_id, self.pod_path(pod_id, parent))

    def _mark(self, pod_id: str) -> str:
        pod_dir(self._state_dir, pod_id)  # checks the id
        return f"{self._marks}/{pod_id}"

    def _make(self, pod_id: str, path: str) -> None:
        # A cgroup that is there is somebody else's, unless one of our pods has made it and shares it.
        if not self._hierarchy.exists(path) or self._is_marked(path):
            ensure_dir(self._marks)
            write_atomic(self._mark(pod_id), path)
            self._hierarchy.create(path)

    def _remove(self, pod_id: str, path: str) -> None:
        mark = self._mark(pod_id)
        if read_text_or(mark, "") != path:
            return
        if not self._is_marked(path, but=pod_id):
            self._hierarchy.remove(path)
        remove_file(mark)

    def _is_marked(self, path: str, *, but: str = "") -> bool:
        try:
            pods = os.listdir(self._marks)
        except FileNotFoundError:
            return False
        # With a dot: of a daemon that was killed while it wrote one.
        others = [pod for pod in pods if pod != but and not pod.startswith(".")]
        return any(read_text_or(f"{self._marks}/{pod}", "") == path for pod in others)

    def _parent_path(self, parent: str, field: str = "config.linux.cgroup_parent") -> str:
        if any(part == ".." or not part.isprintable() for part in parent.split("/")):
            raise InvalidArgument(f"{field} {parent!r} is not a cgroup path")
        to_path = _systemd_path if self._driver is CgroupDriver.SYSTEMD else _cgroupfs_path
        path = to_path(parent, field)
        if path == "/":
            raise InvalidArgument(f"{field} {parent!r} is the root of the cgroup tree; name a cgroup below it")
        return path


def _slice_name(parent: str) -> str:
    """Kubelets send the slice's whole path or its name alone; the name says everything."""
    return parent.rstrip("/").rpartition("/")[2]


def _systemd_path(parent: str, field: str) -> str:
    if not is_slice(parent):
        raise InvalidArgument(
            f"{field} {parent!r} is not a slice, but the cgroup driver is systemd. Set cgroupDriver: systemd in the "
            'kubelet\'s configuration, or driver = "cgroupfs" under [cgroup] in ours'
        )
    try:
        return slice_path(_slice_name(parent))
    except ValueError as error:
        raise InvalidArgument(f"{field}: {error}") from error


def _cgroupfs_path(parent: str, field: str) -> str:
    if is_slice(parent):
        raise InvalidArgument(
            f"{field} {parent!r} is a systemd slice, but the cgroup driver is cgroupfs. Set cgroupDriver: cgroupfs in "
            'the kubelet\'s configuration, or driver = "systemd" under [cgroup] in ours'
        )
    return "/" + "/".join(part for part in parent.split("/") if part not in ("", "."))
