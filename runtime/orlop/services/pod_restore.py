"""RestorePod (since Kubernetes 1.37): a pod with containers that wait, CREATED, for the start of their checkpoints."""

import os
from collections.abc import Mapping, Sequence

import msgspec

from orlop.aio.threads import offload
from orlop.linux.files import read_bytes
from orlop.model.container import ContainerConfig
from orlop.model.errors import InvalidArgument
from orlop.model.pod import PodSandboxConfig
from orlop.services.container_create import create_container
from orlop.services.deck import Deck
from orlop.services.pod_checkpoint import POD_OPTIONS
from orlop.services.sandbox_remove import remove_pod_sandbox
from orlop.services.sandbox_run import run_pod_sandbox


class PodOptions(msgspec.Struct, frozen=True):
    """pod.options."""

    version: int
    containers: dict[str, str]


async def restore_pod(
    deck: Deck,
    checkpoint_path: str,
    config: PodSandboxConfig,
    runtime_handler: str,
    options: Mapping[str, str],
    container_configs: Sequence[ContainerConfig],
) -> tuple[str, list[tuple[str, str]]]:
    """The pod's id, and names and ids of its containers. After an error nothing of it is left."""
    if options:
        raise InvalidArgument(f"options: there is no {next(iter(options))!r}; RestorePod has none")
    await offload(_check, checkpoint_path, [each.metadata.name for each in container_configs])
    pod_id = await run_pod_sandbox(deck, config, runtime_handler)
    try:
        restored = []
        for each in container_configs:
            name = each.metadata.name
            restored.append((name, await create_container(deck, pod_id, each, os.path.join(checkpoint_path, name))))
        return pod_id, restored
    except BaseException:
        await remove_pod_sandbox(deck, pod_id)
        raise


def _check(checkpoint_path: str, names: Sequence[str]) -> None:
    """The configurations must be those of the checkpoint's containers, each once. Raises InvalidArgument."""
    if not os.path.isabs(checkpoint_path):
        raise InvalidArgument(f"checkpoint_path {checkpoint_path!r} is not absolute")
    try:
        found = msgspec.json.decode(
            read_bytes(os.path.join(checkpoint_path, POD_OPTIONS), limit=1 << 20), type=PodOptions
        )
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"checkpoint_path {checkpoint_path!r} holds no checkpoint of a pod: {error}") from error
    if found.version != 1:
        raise InvalidArgument(f"the checkpoint has version {found.version}; this runtime reads version 1")
    there = sorted(found.containers)
    if not names or sorted(names) != there:
        raise InvalidArgument(f"container_configs are for {sorted(names)}, and the checkpoint has {there}")
