"""What the kernel must have: filesystems, namespaces, seccomp, cgroup controllers, switches of the network."""

import os
from collections.abc import Iterator

from orlop.linux.cgroups.detection import detect
from orlop.linux.files import read_text_or
from orlop.verify.preflight.finding import Finding, missing, ok, warning

NAMESPACES = ("mnt", "pid", "net", "ipc", "uts", "cgroup")
CONTROLLERS = {
    1: ("cpu", "memory", "pids", "devices", "freezer", "cpuset"),
    2: ("cpu", "memory", "pids", "cpuset", "io"),
}
# Bits of capability(7) that runtimes cannot do without: SYS_ADMIN and NET_ADMIN.
_ADMIN = (1 << 21) | (1 << 12)


def look(proc: str = "/proc") -> Iterator[Finding]:
    """All of it; proc is for tests."""
    yield _root(proc)
    yield _overlay(proc)
    yield _namespaces(proc)
    yield _user_namespaces(proc)
    yield _seccomp(proc)
    yield _switch(proc, "net/ipv4/ip_forward", "IPv4 forwarding", "pods reach nothing beyond this node")
    yield _bridge_filter(proc)


def cgroups() -> Finding:
    """The hierarchy and its controllers."""
    name = "cgroups"
    try:
        hierarchy = detect()
    except OSError as error:
        return missing(name, str(error), "mount cgroup2 at /sys/fs/cgroup")
    lacking = [each for each in CONTROLLERS[hierarchy.version] if each not in hierarchy.controllers]
    detail = f"version {hierarchy.version}, controllers: {', '.join(sorted(hierarchy.controllers))}"
    if not lacking:
        return ok(name, detail)
    remedy = (
        f"mount them: for c in {' '.join(lacking)}; do mkdir -p /sys/fs/cgroup/$c && "
        "mount -t cgroup -o $c cgroup /sys/fs/cgroup/$c; done"
        if hierarchy.version == 1
        else "enable them: write "
        + " ".join(f"+{each}" for each in lacking)
        + " to cgroup.subtree_control from the root downwards"
    )
    return missing(name, f"{detail}; lacking: {', '.join(lacking)}", remedy)


def _root(proc: str) -> Finding:
    name = "privileges"
    if os.geteuid() != 0:
        return missing(name, "this is not root", "run it as root: sudo orlop check")
    for line in read_text_or(f"{proc}/self/status", "").splitlines():
        key, _, value = line.partition(":")
        if key == "CapEff" and int(value, 16) & _ADMIN != _ADMIN:
            return missing(name, "root without SYS_ADMIN or NET_ADMIN", "run it outside, or in a privileged container")
    return ok(name, "root")


def _overlay(proc: str) -> Finding:
    if "\toverlay\n" in read_text_or(f"{proc}/filesystems", ""):
        return ok("overlayfs", "known to the kernel")
    remedy = "modprobe overlay, and put overlay into /etc/modules-load.d/orlop.conf"
    return missing("overlayfs", "not known to the kernel, or its module is not loaded", remedy)


def _namespaces(proc: str) -> Finding:
    lacking = [kind for kind in NAMESPACES if not os.path.lexists(f"{proc}/self/ns/{kind}")]
    if lacking:
        return missing("namespaces", f"the kernel lacks: {', '.join(lacking)}", "use a kernel that is built with them")
    return ok("namespaces", ", ".join(NAMESPACES))


def _user_namespaces(proc: str) -> Finding:
    name = "user namespaces"
    limit = read_text_or(f"{proc}/sys/user/max_user_namespaces", "0").strip()
    if limit == "0":
        return warning(
            name, "none are allowed", "sysctl -w user.max_user_namespaces=28633, for pods with hostUsers: false"
        )
    return ok(name, f"up to {limit}")


def _seccomp(proc: str) -> Finding:
    actions = read_text_or(f"{proc}/sys/kernel/seccomp/actions_avail", "")
    if "errno" in actions.split():
        return ok("seccomp", f"actions: {actions.strip()}")
    remedy = "use a kernel built with SECCOMP_FILTER"
    return warning("seccomp", "the kernel has no filters, so every container runs unconfined", remedy)


def _switch(proc: str, path: str, name: str, without: str) -> Finding:
    key = path.replace("/", ".")
    if read_text_or(f"{proc}/sys/{path}", "").strip() == "1":
        return ok(name, f"{key} = 1")
    remedy = f"sysctl -w {key}=1, and put it into /etc/sysctl.d/99-orlop.conf"
    return warning(name, f"{key} is off: {without}", remedy)


def _bridge_filter(proc: str) -> Finding:
    name = "bridge filtering"
    if not os.path.exists(f"{proc}/sys/net/bridge"):
        remedy = "modprobe br_netfilter, and put br_netfilter into /etc/modules-load.d/orlop.conf"
        return warning(name, "br_netfilter is not loaded: kube-proxy's rules miss traffic within a bridge", remedy)
    return _switch(proc, "net/bridge/bridge-nf-call-iptables", name, "kube-proxy's rules miss traffic within a bridge")
