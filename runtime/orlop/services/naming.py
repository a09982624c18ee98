"""Ids, unique names, and how objects are called in messages."""

import secrets

from orlop.model.container import ContainerMetadata
from orlop.model.pod import PodSandboxMetadata


def new_id() -> str:
    """64 random hexadecimal digits, as every CRI client expects ids to look."""
    return secrets.token_hex(32)


def pod_key(metadata: PodSandboxMetadata) -> str:
    """What makes a pod sandbox unique on a node. A slash cannot be part of any of the four."""
    return f"{metadata.namespace}/{metadata.name}/{metadata.uid}/{metadata.attempt}"


def container_key(pod_id: str, metadata: ContainerMetadata) -> str:
    """What makes a container unique on a node."""
    return f"{pod_id}/{metadata.name}/{metadata.attempt}"


def free(names: dict[str, str], key: str, object_id: str) -> None:
    """Take a name from its owner's id; not where it is another's by now, made while this one was still in pieces."""
    if names.get(key) == object_id:
        del names[key]


def pod_title(metadata: PodSandboxMetadata) -> str:
    """The pod in messages."""
    return f"pod {metadata.namespace}/{metadata.name}"


def container_title(metadata: ContainerMetadata, pod: PodSandboxMetadata) -> str:
    """The container in messages."""
    return f"container {metadata.name} of pod {pod.namespace}/{pod.name}"
