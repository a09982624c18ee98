"""Parts of Kubernetes manifests that networks share: an agent on each node in the node's network. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

Object = dict[str, Any]


def named(api: str, kind: str, name: str, namespace: str = "", **more: Any) -> Object:
    """An object with its head."""
    metadata: Object = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def account(name: str, namespace: str, rules: Sequence[Object]) -> list[Object]:
    """A service account, and what it may do in the whole cluster."""
    rbac = "rbac.authorization.k8s.io"
    return [
        named("v1", "ServiceAccount", name, namespace),
        named(f"{rbac}/v1", "ClusterRole", name, rules=list(rules)),
        named(
            f"{rbac}/v1",
            "ClusterRoleBinding",
            name,
            roleRef={"apiGroup": rbac, "kind": "ClusterRole", "name": name},
            subjects=[{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        ),
    ]


def rule(groups: Sequence[str], resources: Sequence[str], verbs: Sequence[str]) -> Object:
    """What may be done with which resources."""
    return {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}


def daemon_set(name: str, namespace: str, spec: Object) -> Object:
    """An agent for every node, also for those that are not ready: without it none becomes so."""
    labels = {"app": name}
    pod: Object = {
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "serviceAccountName": name,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        **spec,
    }
    return named(
        "apps/v1",
        "DaemonSet",
        name,
        namespace,
        spec={
            "selector": {"matchLabels": labels},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    )


def host_path(name: str, path: str, kind: str = "DirectoryOrCreate") -> Object:
    """A volume of the node."""
    return {"name": name, "hostPath": {"path": path, "type": kind}}


def mount(name: str, path: str) -> Object:
    """Where a volume is in a container."""
    return {"name": name, "mountPath": path}


def field_env(name: str, path: str) -> Object:
    """A variable from the pod's own fields."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def values_env(values: Mapping[str, str]) -> list[Object]:
    """Variables with plain values."""
    return [{"name": name, "value": value} for name, value in values.items()]
