"""The spec's linux.namespaces: which are joined, new, or the node's. Pinning them is the sandbox's."""

from orlop.engine.oci.inputs import Spec, SpecInputs
from orlop.model.enums import NamespaceMode
from orlop.model.errors import FailedPrecondition


def namespaces(inputs: SpecInputs) -> list[Spec]:
    """linux.namespaces. Network, IPC and UTS are the pod's, whatever the container says; PID is its own choice."""
    pinned = inputs.pod.namespaces
    part: list[Spec] = [{"type": "mount"}]
    for kind, path in (("network", pinned.net), ("ipc", pinned.ipc), ("uts", pinned.uts), ("user", pinned.user)):
        if path:
            part.append({"type": kind, "path": path})
    part += _pid(inputs)
    # On v1 a private cgroup namespace would hide paths that monitoring agents in pods know; the peers have none there.
    if inputs.facts.cgroup_version == 2 and not inputs.config.linux.security_context.privileged:
        part.append({"type": "cgroup"})
    return part


def _pid(inputs: SpecInputs) -> list[Spec]:
    mode = inputs.config.linux.security_context.namespace_options.pid
    if mode is NamespaceMode.NODE:
        return []
    if mode is NamespaceMode.CONTAINER:
        return [{"type": "pid"}]
    if inputs.pid_namespace:
        return [{"type": "pid", "path": inputs.pid_namespace}]
    if mode is NamespaceMode.TARGET:
        target = inputs.config.linux.security_context.namespace_options.target_id
        raise FailedPrecondition(f"the PID namespace of container {target!r} cannot be joined: it is not running")
    raise FailedPrecondition(f"pod {inputs.pod.id} has no PID namespace to share: it was made without one")
