"""The pause process of pods that share a PID namespace: it holds the namespace and reaps orphans, and nothing else.

It runs like a container, with a record of its own that lists leave out, on a root filesystem that holds one file: the
pause binary of the node (catatonit), bound read-only. So no pod needs an image that the kubelet did not ask for.
"""

from orlop.engine.state.table import ContainerEntry, PodEntry
from orlop.model.container import ContainerConfig, ContainerMetadata, LinuxContainerConfig, Mount
from orlop.model.enums import NamespaceMode, ProfileType
from orlop.model.errors import FailedPrecondition
from orlop.model.pod import PodSandboxConfig
from orlop.model.resources import LinuxContainerResources
from orlop.model.security import (
    Capability,
    LinuxContainerSecurityContext,
    NamespaceOption,
    SecurityProfile,
)
from orlop.services import container_bundle, container_create
from orlop.services.container_remove import remove_container
from orlop.services.container_start import start_container
from orlop.services.deck import Deck, Handler
from orlop.services.steps import Steps

NAME = "POD"
"""Name of the pause process among the pod's containers, as peers call it."""
_BINARY = "/pause"
_OOM_SCORE_ADJ = -998
"""So that it outlives its pod's containers; the kubelet's own value for it."""


def needed(config: PodSandboxConfig, handler: Handler) -> bool:
    """Where containers of the pod are to see each other's processes, and always with a shim: it is born with it."""
    return handler.shim is not None or config.linux.security_context.namespace_options.pid is NamespaceMode.POD


async def start(deck: Deck, pod: PodEntry, steps: Steps) -> None:
    """Make and start the pause process of a pod that is being made."""
    handler = deck.handler(pod.record.handler)
    record = container_bundle.plan(deck, pod.record, _config(deck, pod), None, handler)
    await container_create.make(deck, pod, record, None, handler, steps)
    await start_container(deck, record.id)


async def end(deck: Deck, pod_id: str) -> None:
    """Remove it; nothing happens where there is none."""
    for entry in of_pod(deck, pod_id):
        await remove_container(deck, entry.record.id)


def of_pod(deck: Deck, pod_id: str) -> list[ContainerEntry]:
    """The pod's pause process, if it has one."""
    return [entry for entry in deck.state.containers_of(pod_id) if entry.record.infra]


def _config(deck: Deck, pod: PodEntry) -> ContainerConfig:
    if not deck.settings.pause_path:
        raise FailedPrecondition(
            "the pod needs a pause process (it shares its PID namespace, or its handler is a shim), "
            "but catatonit is not installed: install the package catatonit or set container.pause_path"
        )
    context = pod.record.config.linux.security_context
    return ContainerConfig(
        metadata=ContainerMetadata(name=NAME),
        command=(_BINARY, "-P"),
        mounts=(Mount(container_path=_BINARY, host_path=deck.settings.pause_path, readonly=True),),
        linux=LinuxContainerConfig(
            resources=LinuxContainerResources(cpu_shares=2, oom_score_adj=_OOM_SCORE_ADJ),
            security_context=LinuxContainerSecurityContext(
                capabilities=Capability(drop_capabilities=("ALL",)),
                namespace_options=NamespaceOption(
                    network=context.namespace_options.network,
                    pid=NamespaceMode.CONTAINER,
                    ipc=context.namespace_options.ipc,
                ),
                readonly_rootfs=True,
                no_new_privs=True,
                seccomp=SecurityProfile(profile_type=ProfileType.RuntimeDefault),
            ),
        ),
    )
