"""The spec's annotations: who the container is, under the names that hooks, NRI plugins and shims look for."""

import fnmatch
from collections.abc import Mapping, Sequence

from orlop.engine.oci.inputs import SpecInputs

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
    return inputs.passed_annotations | {f"{PREFIX}{key}": value for key, value in told.items()}


def passed(annotations: Mapping[str, str], patterns: Sequence[str]) -> dict[str, str]:
    """Those whose name fits one of the patterns (fnmatch(3): "io.katacontainers.*")."""
    return {
        name: value
        for name, value in annotations.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }
