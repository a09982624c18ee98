"""HostFacts read from the kernel, once at start. What an OCI runtime can do is in `runtime`."""

import glob
import os
import re
import socket
from dataclasses import replace

from orlop.engine.oci.capabilities import names_of
from orlop.engine.oci.inputs import HostFacts, SelinuxContexts
from orlop.linux.files import read_text, read_text_or


def gather(
    *,
    cgroup_version: int,
    cgroup_root: str = "/sys/fs/cgroup",
    proc: str = "/proc",
    sys: str = "/sys",
    etc: str = "/etc",
) -> HostFacts:
    """Read what the machine offers."""
    policy = dict(_ASSIGNMENT.findall(read_text_or(f"{etc}/selinux/config", ""))).get("SELINUXTYPE", "targeted")
    return HostFacts(
        cgroup_version=cgroup_version,
        capabilities=own_capabilities(read_text(f"{proc}/self/status")),
        hostname=socket.gethostname(),
        swap_accounting=_has_file(
            cgroup_root, cgroup_version, "memory", ("memory.memsw.limit_in_bytes", "memory.swap.max")
        ),
        hugepage_sizes=_hugepage_sizes(cgroup_root, cgroup_version, sys),
        apparmor=read_text_or(f"{sys}/module/apparmor/parameters/enabled", "N").startswith("Y"),
        apparmor_profiles=_profiles(read_text_or(f"{sys}/kernel/security/apparmor/profiles", "")),
        selinux=os.path.exists(f"{sys}/fs/selinux/enforce"),
        selinux_contexts=_selinux_contexts(f"{etc}/selinux/{policy}"),
        selinux_policy=policy,
    )


def with_apparmor_profiles(facts: HostFacts, *, sys: str = "/sys") -> HostFacts:
    """The facts with the profiles that are loaded now; on a kernel without AppArmor they stay as they are."""
    if not facts.apparmor:
        return facts
    return replace(facts, apparmor_profiles=_profiles(read_text_or(f"{sys}/kernel/security/apparmor/profiles", "")))


def own_capabilities(status: str) -> frozenset[str]:
    """What a process can hand on, from its /proc/<pid>/status: permitted and in the bounding set."""
    masks = {
        key: int(value, 16) for key, value in re.findall(r"^(CapPrm|CapBnd):\s*([0-9a-f]+)$", status, re.MULTILINE)
    }
    return names_of(masks["CapPrm"] & masks["CapBnd"])


def _selinux_contexts(directory: str) -> SelinuxContexts:
    """Of the policy that is configured (selinux_config(5)); the usual ones where it has none for containers."""
    listed = dict(_ASSIGNMENT.findall(read_text_or(f"{directory}/contexts/lxc_contexts", "")))
    whole = {key: listed[key] for key in ("process", "file") if listed.get(key, "").count(":") >= 3}
    return replace(SelinuxContexts(), **whole)


_ASSIGNMENT = re.compile(r"""^\s*(\w+)\s*=\s*["']?([^"'\s]+)["']?\s*$""", re.MULTILINE)


def _profiles(listing: str) -> frozenset[str]:
    """The names in lines such as "name (enforce)"; a name may hold blanks."""
    return frozenset(line.rpartition(" (")[0] for line in listing.splitlines())


def _has_file(root: str, version: int, controller: str, names: tuple[str, str]) -> bool:
    """Whether a controller offers a file; names are for v1 and v2. In v2 only the root's children have limits."""
    if version == 1:
        return os.path.exists(f"{root}/{controller}/{names[0]}")
    return any(os.path.exists(path) for path in glob.iglob(f"{root}/*/{names[1]}"))


def _hugepage_sizes(root: str, version: int, sys: str) -> frozenset[str]:
    """Sizes of the node that have a limit file, in the CRI's notation: "64KB", "2MB", "1GB"."""
    sizes = {_notation(int(match[1])) for match in map(_SIZE.search, _entries(f"{sys}/kernel/mm/hugepages")) if match}
    return frozenset(
        size
        for size in sizes
        if _has_file(root, version, "hugetlb", (f"hugetlb.{size}.limit_in_bytes", f"hugetlb.{size}.max"))
    )


_SIZE = re.compile(r"^hugepages-(\d+)kB$")


def _notation(kib: int) -> str:
    for unit, factor in (("GB", 1 << 20), ("MB", 1 << 10)):
        if kib % factor == 0:
            return f"{kib // factor}{unit}"
    return f"{kib}KB"


def _entries(directory: str) -> list[str]:
    return os.listdir(directory) if os.path.isdir(directory) else []
