"""The spec's annotations: who the container is, under the names that hooks, NRI plugins and shims look for."""

import fnmatch
from collections.abc import Mapping, Sequence

from orlop.engine.oci.inputs import SpecInputs
from orlop.model.resources import LinuxContainerResources

PREFIX = "io.kubernetes.cri."


def annotations(inputs: SpecInputs) -> dict[str, str]:
    """Our own, and of the pod's those that the handler lets pass.

    crun obeys some annotations ("run.oci.…") as if the node's owner spoke, and Kata takes a hypervisor's path.
    """
    pod = inputs.pod.config.metadata
    image = inputs.config.image
    told = {
        "container-type": "sandbox" if inputs.infra else "container",
        "sandbox-id": inputs.sandbox_id or inputs.pod.id,
        "sandbox-name": pod.name,
        "sandbox-namespace": pod.namespace,
        "sandbox-uid": pod.uid,
        "container-name": inputs.config.metadata.name,
        "image-name": image.user_specified_image or image.image,
    }
    if inputs.infra:
        told |= _size(inputs.pod.config.linux.resources)
    return inputs.passed_annotations | {f"{PREFIX}{key}": value for key, value in told.items()}


def _size(resources: LinuxContainerResources | None) -> dict[str, str]:
    """Of the whole pod, as the kubelet reckons it: Kata makes a virtual machine of this size where it cannot grow."""
    if resources is None:
        return {}
    return {
        "sandbox-cpu-period": str(resources.cpu_period),
        "sandbox-cpu-quota": str(resources.cpu_quota),
        "sandbox-cpu-shares": str(resources.cpu_shares),
        "sandbox-memory": str(resources.memory_limit_in_bytes),
    }


def passed(annotations: Mapping[str, str], patterns: Sequence[str]) -> dict[str, str]:
    """Those whose name fits one of the patterns (fnmatch(3): "io.katacontainers.*")."""
    return {
        name: value
        for name, value in annotations.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }
