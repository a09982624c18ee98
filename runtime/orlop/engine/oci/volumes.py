"""Host side of a container's mounts: sources found, links resolved, propagation checked. The spec's mounts are in `mounts`."""

from collections.abc import Sequence

from orlop.engine.oci.inputs import ResolvedMount
from orlop.model.container import ContainerConfig, Mount
from orlop.model.pod import PodRecord


def pod_mounts(pod: PodRecord, config: ContainerConfig) -> tuple[ResolvedMount, ...]:
    """The pod's resolv.conf, hostname and shm (from pod.run_dir), as far as they exist; the node's shm with host IPC."""
    raise NotImplementedError


def resolve_mounts(mounts: Sequence[Mount], *, recursive_read_only: bool) -> tuple[ResolvedMount, ...]:
    """Resolve and check what the kubelet asks for; mounts with an image are not for here."""
    raise NotImplementedError
