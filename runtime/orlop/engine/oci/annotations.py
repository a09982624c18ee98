"""The spec's annotations: who the container is, under the names that hooks, NRI plugins and shims look for."""

from orlop.engine.oci.inputs import SpecInputs

PREFIX = "io.kubernetes.cri."


def annotations(inputs: SpecInputs) -> dict[str, str]:
    """Our own only. A pod's do not pass: crun obeys some annotations ("run.oci.…") as if the node's owner spoke."""
    pod = inputs.pod.config.metadata
    image = inputs.config.image
    told = {
        "container-type": "container",
        "sandbox-id": inputs.pod.id,
        "sandbox-name": pod.name,
        "sandbox-namespace": pod.namespace,
        "sandbox-uid": pod.uid,
        "container-name": inputs.config.metadata.name,
        "image-name": image.user_specified_image or image.image,
    }
    return {f"{PREFIX}{key}": value for key, value in told.items()}
