"""UpdatePodSandboxResources: what the kubelet says of a resized pod. The kubelet itself writes the pod's cgroup."""

from orlop.model.resources import LinuxContainerResources
from orlop.services.deck import Deck


async def update_pod_sandbox_resources(
    deck: Deck, pod_id: str, overhead: LinuxContainerResources | None, resources: LinuxContainerResources | None
) -> None:
    """Put the pod's new overhead and resources on record; one that is not given stays as it is."""
    entry = deck.state.pods.find(pod_id)
    await deck.plugins.update_pod(entry, overhead, resources)
    given = {"overhead": overhead, "resources": resources}
    changes = {name: value for name, value in given.items() if value is not None}
    if changes:
        deck.state.pods.update(entry.record.id, **changes)
    await deck.plugins.updated_pod(entry)
