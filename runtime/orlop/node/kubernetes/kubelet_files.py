"""What the kubelet of a member reads: its configuration. Its unit is a template beside the daemon's."""

from typing import Any

import msgspec

from orlop.config.schema import Config, Section
from orlop.node import hardening
from orlop.node.kubernetes.kubelet import Kubelet

API_VERSION = "kubelet.config.k8s.io/v1beta1"


def configuration(kubelet: Kubelet, config: Config, *, hardened: bool = False) -> dict[str, Any]:
    """The node's own KubeletConfiguration: it wins over the cluster's, which kubeadm writes."""
    derived = {"cgroupDriver": cgroup_driver(config), "containerRuntimeEndpoint": f"unix://{config.daemon.socket}"}
    declared = hardening.under(hardening.KUBELET if hardened else {}, settings(kubelet))
    return {**_head(), **sorted_deeply({**derived, **declared})}


def shared(kubelet: Kubelet, config: Config) -> dict[str, Any]:
    """What all kubelets of the cluster must have: kubeadm init keeps it in the ConfigMap kubelet-config."""
    fields: dict[str, Any] = {"cgroupDriver": cgroup_driver(config)}
    if kubelet.failCgroupV1 is not None:
        # kubeadm's own check of the kernel reads it there.
        fields["failCgroupV1"] = kubelet.failCgroupV1
    return {**_head(), **fields}


def settings(section: Section) -> dict[str, Any]:
    """What was declared, without all that is left to the kubelet: nulls, and sections that say nothing."""
    found: dict[str, Any] = {}
    for name in section.__struct_fields__:
        value = getattr(section, name)
        if isinstance(value, Section):
            if inner := settings(value):
                found[name] = inner
        elif value is not None:
            found[name] = msgspec.to_builtins(value)
    return found


def cgroup_driver(config: Config) -> str:
    """What the daemon answers to RuntimeConfig, said again for a kubelet that cannot ask; units need systemd."""
    return "cgroupfs" if config.cgroup.driver == "cgroupfs" else "systemd"


def _head() -> dict[str, str]:
    return {"apiVersion": API_VERSION, "kind": "KubeletConfiguration"}


def sorted_deeply(value: Any) -> Any:
    """Names in order at every depth: what inventories and Nix hand over has none."""
    if isinstance(value, dict):
        return {name: sorted_deeply(value[name]) for name in sorted(value)}
    return [sorted_deeply(item) for item in value] if isinstance(value, list | tuple) else value
