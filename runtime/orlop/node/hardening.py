"""What a machine may be denied beyond what a node needs: each an item of the declaration, off unless declared. Pure.

Not here, for it would reach containers or could not be taken back: a mount namespace, NoNewPrivileges or capabilities
of the daemon's unit (children inherit them, and the children are containers); kernel.kexec_load_disabled and
kernel.modules_disabled (only a reboot takes them back); mount options, which belong to whoever divides the disks.
Sources: CIS Kubernetes Benchmark, section 4 (worker nodes); kernel.org, admin-guide/sysctl; systemd.exec(5).
"""

from collections.abc import Mapping
from typing import Any

from orlop.config.schema import Section
from orlop.node.rendered import RenderedFile, from_template


class Hardening(Section):
    """Denials beyond what a node needs. All are off unless declared; each says what it costs."""

    kernel_pointers: bool = False
    """Nobody sees the kernel's addresses (kernel.kptr_restrict 2). Profilers then show no names of the kernel."""
    kernel_log: bool = False
    """The kernel's log is for CAP_SYSLOG alone (kernel.dmesg_restrict 1), so not for ordinary containers."""
    bpf: bool = False
    """No BPF without privileges, and its compiled code hardened (kernel.unprivileged_bpf_disabled 2)."""
    tracing: bool = False
    """Only children may be traced (kernel.yama.ptrace_scope 1), performance counters only one's own. Debuggers that
    attach to a neighbour's process in a pod then need CAP_SYS_PTRACE."""
    links: bool = False
    """Links, fifos and files of others in sticky directories are not followed or opened (fs.protected_*)."""
    core_dumps: bool = False
    """No core dumps of programs with privileges (fs.suid_dumpable 0), and none of any container."""
    sysrq: bool = False
    """The keyboard commands the kernel nothing (kernel.sysrq 0)."""
    redirects: bool = False
    """Routes are not changed by ICMP redirects or source routing. Not where a gateway redirects nodes on purpose."""
    rare_modules: bool = False
    """File systems and protocols that no node needs cannot be loaded (cramfs, hfs, dccp, rds, tipc and such)."""
    foreign_calls: bool = False
    """No program of another architecture's system calls in any container: 32-bit programs do not run."""
    kubelet: bool = False
    """The kubelet's answers of the CIS benchmark: no anonymous requests, no read-only port, kernel settings that hold,
    modern TLS, seccomp by default, at most 4096 processes in a pod. What `kubelet` declares wins."""
    private_files: bool = False
    """Every written file is for root's eyes alone (mode 0600). NixOS cannot: its store is for everybody."""


SYSCTLS: dict[str, dict[str, str]] = {
    "kernel_pointers": {"kernel.kptr_restrict": "2"},
    "kernel_log": {"kernel.dmesg_restrict": "1"},
    # 2, not 1: that could not be taken back before a reboot.
    "bpf": {"kernel.unprivileged_bpf_disabled": "2", "net.core.bpf_jit_harden": "2"},
    "tracing": {"kernel.yama.ptrace_scope": "1", "kernel.perf_event_paranoid": "2"},
    "links": {
        "fs.protected_fifos": "2",
        "fs.protected_hardlinks": "1",
        "fs.protected_regular": "2",
        "fs.protected_symlinks": "1",
    },
    "core_dumps": {"fs.suid_dumpable": "0"},
    "sysrq": {"kernel.sysrq": "0"},
    "redirects": {
        f"net.ipv{version}.conf.{which}.{name}": "0"
        for version, names in (
            (4, ("accept_redirects", "accept_source_route", "secure_redirects", "send_redirects")),
            (6, ("accept_redirects", "accept_source_route")),
        )
        for which in ("all", "default")
        for name in names
    },
}
"""Kernel parameters by item."""

RARE_MODULES = ("cramfs", "dccp", "freevxfs", "hfs", "hfsplus", "jffs2", "rds", "tipc", "udf")
"""SCTP is not among them: Services may speak it."""

KUBELET: dict[str, Any] = {
    "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}},
    "authorization": {"mode": "Webhook"},
    "makeIPTablesUtilChains": True,
    "podPidsLimit": 4096,
    "protectKernelDefaults": True,
    "readOnlyPort": 0,
    "rotateCertificates": True,
    "seccompDefault": True,
    "tlsCipherSuites": [
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ],
    "tlsMinVersion": "VersionTLS12",
}
"""KubeletConfiguration; section 4.2 of the benchmark, as far as it can be answered without the cluster's doing."""

DROP_IN = "/etc/systemd/system/orlop.service.d/50-hardening.conf"
BLOCKED = "/etc/modprobe.d/orlop-hardening.conf"


def sysctls(wanted: Hardening) -> dict[str, str]:
    """Kernel parameters of the items that are on."""
    return {name: value for item, values in SYSCTLS.items() if getattr(wanted, item) for name, value in values.items()}


def files(wanted: Hardening) -> list[RenderedFile]:
    """The daemon's drop-in and the modules that cannot be loaded, each where something of it is on."""
    found = []
    if wanted.rare_modules:
        found.append(from_template("modprobe.conf", BLOCKED, "hardening", modules=RARE_MODULES))
    if wanted.core_dumps or wanted.foreign_calls:
        # Part of the daemon: a change of it restarts the daemon.
        found.append(from_template("50-hardening.conf", DROP_IN, "daemon", wanted=wanted))
    return found


def under(defaults: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults beneath what was declared, at every depth."""
    merged = {**defaults, **declared}
    for name in defaults.keys() & declared.keys():
        if isinstance(defaults[name], Mapping) and isinstance(declared[name], Mapping):
            merged[name] = under(defaults[name], declared[name])
    return merged
