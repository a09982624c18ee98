"""ContainerStatus: from memory; only the verbose answer reads the bundle."""

import msgspec

from orlop.engine.state.table import ContainerEntry
from orlop.linux.files import read_text
from orlop.model import signals
from orlop.model.container import ContainerResources, ContainerStatusView, ContainerUser
from orlop.model.errors import NotFound
from orlop.services import image_volumes
from orlop.services.deck import Deck


def container_status(deck: Deck, container_id: str, verbose: bool) -> tuple[ContainerStatusView, dict[str, str]]:
    """The status, and with verbose a map whose "info" is JSON with pid, cgroup and the OCI configuration."""
    entry = deck.state.containers.find(container_id)
    if not entry.status.made:
        raise NotFound(f"container {entry.record.id} is not made yet")
    return view(entry), {"info": _info(entry)} if verbose else {}


def view(entry: ContainerEntry) -> ContainerStatusView:
    """The CRI's view of a container."""
    record, status = entry.record, entry.status
    return ContainerStatusView(
        id=record.id,
        metadata=record.config.metadata,
        state=status.state,
        created_at=record.created_at,
        started_at=status.started_at,
        finished_at=status.finished_at,
        exit_code=status.exit_code,
        image=record.config.image,
        image_ref=record.image_ref,
        reason=status.reason,
        message=status.message,
        labels=record.config.labels,
        annotations=record.config.annotations,
        mounts=image_volumes.shown(record),
        log_path=record.log_path,
        resources=ContainerResources(linux=status.resources),
        image_id=record.image_id,
        user=ContainerUser(linux=status.user),
        stop_signal=signals.to_cri(record.stop_signal),
    )


def of_pod(deck: Deck, pod_id: str) -> tuple[ContainerStatusView, ...]:
    """All that is shown of a pod's containers, oldest first."""
    return tuple(
        view(entry) for entry in deck.state.containers_of(pod_id) if entry.status.made and not entry.record.infra
    )


def _info(entry: ContainerEntry) -> str:
    record, status = entry.record, entry.status
    try:
        spec: object = msgspec.json.decode(read_text(f"{record.bundle}/config.json"))
    except (OSError, msgspec.DecodeError) as error:
        spec = f"unreadable: {error}"
    info = {
        "sandboxID": record.pod_id,
        "pid": status.pid,
        "monitorPid": status.monitor_pid,
        "runtimeHandler": record.handler,
        "runtimePath": record.runtime_path,
        "bundle": record.bundle,
        "cgroup": record.cgroup,
        "runtimeSpec": spec,
    }
    return msgspec.json.encode(info).decode()
