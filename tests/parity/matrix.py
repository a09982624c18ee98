"""Declarations that both provisioners must make the same files of: minors × handlers × networks × settings."""

import itertools
from collections.abc import Iterator
from typing import Any

from orlop.config.keys import fields_of, variants_of
from orlop.model.errors import InvalidArgument
from orlop.node import lock
from orlop.node.declaration import Declaration
from orlop.node.declaring import declare

JOIN = {"discovery_file": "/etc/kubernetes/discovery.conf"}

HANDLERS: dict[str, dict[str, Any]] = {
    "runc-and-crun": {},
    "crun": {"handlers": {"crun": {"privileged_without_host_devices": True}}, "default_handler": "crun"},
    "kata": {
        "handlers": {"runc": {}, "kata": {"type": "shim", "path": "/opt/kata/bin/containerd-shim-kata-v2"}},
        "runtime_classes": {"kata": {"overhead": {"memory": "130Mi", "cpu": "250m"}, "node_selector": {"kvm": "yes"}}},
    },
}

NETWORKS: dict[str, dict[str, Any]] = {
    "default": {},
    "dual-stack": {"provider": "bridge", "pod_cidrs": ["10.1.0.0/16", "fd00:1::/64"], "mtu": 1400, "firewall": True},
    # Weave is only taken by who says that its state is known.
    **{
        name: {"provider": name, **({"unmaintained": True} if "unmaintained" in fields_of(kind) else {})}
        for name, kind in variants_of(fields_of(Declaration)["network"].type).items()
    },
    "flannel": {"provider": "flannel", "pod_cidrs": ["10.244.0.0/16", "fd01::/48"], "interface": "eth1"},
}

SETTINGS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "daemon": {
        "daemon": {
            "daemon": {"socket": "/run/other/orlop.sock", "log_format": "json"},
            "network": {"conf_dir": "/etc/cni/other.d", "plugin_dirs": ["/opt/cni/bin", "/p"], "add_timeout": 2.5},
            "registries": {"registry.internal:5000": {"plain_http": True}, "empty.internal": {}},
            "container": {"default_sysctls": {"net.ipv4.ping_group_range": "0 0"}, "stop_timeout": 3.0},
            "images": {"pinned": ["${not} a 'variable'", 'é\\n"quoted"']},
            "metrics": {},
        },
        "host": {"sysctls": {"kernel.panic": None, "vm.swappiness": 10}, "modules": ["vxlan"]},
    },
    "hardened": {
        "host": {
            "sysctls": {"kernel.sysrq": 4},
            "hardening": {
                "core_dumps": True,
                "foreign_calls": True,
                "kernel_log": True,
                "kubelet": True,
                "rare_modules": True,
                "redirects": True,
                "sysrq": True,
            },
        },
        "member": {"role": "worker", **JOIN},
        "kubelet": {"podPidsLimit": 100, "authentication": {"webhook": {"cacheTTL": "1m"}}},
    },
    "first control plane": {
        "member": {
            "role": "control_plane",
            "node_name": "cp-1",
            "node_ips": ["10.0.0.1", "fd00::1"],
            "labels": {"zone": "a", "arch": ""},
            "taints": [],
            "advertise_address": "10.0.0.1",
        },
        "cluster": {
            "endpoint": "[fd00::1]:6443",
            "pod_cidrs": ["10.244.0.0/16", "fd01::/48"],
            "service_cidrs": ["10.96.0.0/12", "fd02::/112"],
            "proxy_mode": "none",
            "api_server": {"audit-log-path": "-", "v": "2"},
            "feature_gates": {"NodeLocalCRISocket": True},
        },
        "kubelet": {"featureGates": {"CRIListStreaming": False}, "memoryThrottlingFactor": 1.0},
    },
    "second control plane": {"member": {"role": "control_plane", "first": False, "bind_port": 7443, **JOIN}},
    "worker on cgroup v1": {
        "member": {"role": "worker", "taints": ["gpu=yes:NoSchedule", "slow:NoExecute"], **JOIN},
        "kubelet": {
            "failCgroupV1": False,
            "maxPods": 200,
            "evictionHard": {"memory.available": "5%", "nodefs.available": "10%"},
            "authentication": {"webhook": {"cacheTTL": "1m30s"}},
            "reservedMemory": [{"numaNode": 0, "limits": {"memory": "1Gi"}}],
            "enforceNodeAllocatable": [],
            "runtimeRequestTimeout": "15m",
        },
        "daemon": {"cgroup": {"driver": "cgroupfs"}},
    },
}


def declarations() -> dict[str, dict[str, Any]]:
    """A few of all combinations, so that every two values of two axes meet at least once."""
    axes = (sorted(lock.load().kubernetes), list(HANDLERS), list(NETWORKS), list(SETTINGS))
    return {f"node-{n}": declaration(*row) for n, row in enumerate(_pairwise(axes))}


def declaration(minor: str, handlers: str, network: str, settings: str) -> dict[str, Any]:
    """One combination."""
    found = {"kubernetes": minor, **HANDLERS[handlers], **SETTINGS[settings]}
    if network == "flannel" and "cluster" in found:
        found["cluster"] = {**found["cluster"], "proxy_mode": "nftables"}  # flannel does not do kube-proxy's work
    return {**found, "network": NETWORKS[network]} if NETWORKS[network] else found


def _pairwise(axes: tuple[list[str], ...]) -> Iterator[tuple[str, ...]]:
    """Greedy: each row is that one of all which covers most of what is left."""
    rows = [row for row in itertools.product(*axes) if _fits(row)]
    missing = [value for n, values in enumerate(axes) for value in values if value not in {row[n] for row in rows}]
    assert not missing, f"no combination has {missing}"
    left = {pair for row in rows for pair in _pairs(row)}
    while left:
        best = max(rows, key=lambda row: len(left & _pairs(row)))
        left -= _pairs(best)
        yield best


def _fits(row: tuple[str, ...]) -> bool:
    """Not each network goes with each cluster: flannel needs kube-proxy, for instance."""
    try:
        declare(declaration(*row))
    except InvalidArgument:
        return False
    return True


def _pairs(row: tuple[str, ...]) -> set[tuple[tuple[int, str], tuple[int, str]]]:
    return set(itertools.combinations(list(enumerate(row)), 2))
