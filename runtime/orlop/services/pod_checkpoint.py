"""CheckpointPod (since Kubernetes 1.37): all running containers of a pod at one point of their time, in a directory.

<output_path>/pod.dump               the pod's configuration
<output_path>/pod.options            which containers there are
<output_path>/<container's name>/    the files of one container (engine.checkpoint.files)
"""

import os
from collections.abc import Mapping, Sequence

from orlop.aio.threads import offload
from orlop.engine.checkpoint import files
from orlop.linux.files import ensure_dir, remove_tree
from orlop.model.enums import PodSandboxState
from orlop.model.errors import FailedPrecondition, InvalidArgument
from orlop.services.capturing import OPTIONS, capture
from orlop.services.deck import Deck
from orlop.services.faults import told
from orlop.services.naming import pod_title
from orlop.services.steps import Steps

POD_DUMP, POD_OPTIONS = "pod.dump", "pod.options"


async def checkpoint_pod(
    deck: Deck, pod_id: str, output_path: str, container_ids: Sequence[str], options: Mapping[str, str]
) -> None:
    """Write a checkpoint into an existing, empty directory; on any error it is empty again. All containers go on."""
    pod = deck.state.pods.find(pod_id)
    steps = Steps(pod_title(pod.record.config.metadata))
    with told(steps):
        steps.enter("check the request")
        flags = _flags(options)
        if not pod.status.made or pod.status.state is not PodSandboxState.SANDBOX_READY:
            raise FailedPrecondition("it is not ready")
        names = _names(deck, pod.record.id, container_ids)
        await offload(_require_empty, output_path)
        places = {container_id: os.path.join(output_path, name) for container_id, name in names.items()}
        try:
            for place in places.values():
                await offload(ensure_dir, place, 0o700)
            await capture(deck, places, steps, options=flags)
            steps.enter("write its description")
            files.write_json(output_path, POD_DUMP, pod.record.config)
            listed = {name: f"{name}-{container_id}" for container_id, name in names.items()}
            files.write_json(output_path, POD_OPTIONS, {"version": 1, "containers": listed})
        except BaseException:
            await offload(_empty, output_path)
            raise
    steps.log_done("checkpointed")


def _flags(options: Mapping[str, str]) -> list[str]:
    flags = []
    for key, value in options.items():
        if key not in OPTIONS:
            raise InvalidArgument(f"options: there is no {key!r}; known are {', '.join(OPTIONS)}")
        if value not in ("true", "false"):
            raise InvalidArgument(f'options: {key} must be "true" or "false", not {value!r}')
        if value == "true" and OPTIONS[key]:
            flags.append(OPTIONS[key])
    return flags


def _names(deck: Deck, pod_id: str, container_ids: Sequence[str]) -> dict[str, str]:
    """Names of the containers, by id: all of one pod, each once."""
    if not container_ids:
        raise InvalidArgument("container_ids is empty")
    names: dict[str, str] = {}
    for wanted in container_ids:
        record = deck.state.containers.get(wanted).record
        name = record.config.metadata.name
        if record.pod_id != pod_id or record.infra:
            raise InvalidArgument(f"container_ids: {wanted} is not a container of this pod")
        if wanted in names or name in names.values() or "/" in name or name in (".", "..", POD_DUMP, POD_OPTIONS):
            raise InvalidArgument(f"container_ids: {wanted} ({name!r}) is there twice, or its name cannot be used")
        names[wanted] = name
    return names


def _require_empty(output_path: str) -> None:
    if not os.path.isabs(output_path):
        raise InvalidArgument(f"output_path {output_path!r} is not absolute")
    try:
        there = os.listdir(output_path)
    except OSError as error:
        raise InvalidArgument(f"output_path {output_path!r}: {error.strerror}") from error
    if there:
        raise InvalidArgument(f"output_path {output_path!r} is not empty")


def _empty(output_path: str) -> None:
    for name in os.listdir(output_path):
        path = os.path.join(output_path, name)
        remove_tree(path) if os.path.isdir(path) else os.unlink(path)
