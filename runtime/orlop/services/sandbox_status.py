"""PodSandboxStatus: from memory alone."""

import time

import msgspec

from orlop.engine.state.table import PodEntry
from orlop.model.container import ContainerStatusView
from orlop.model.errors import NotFound
from orlop.model.pod import (
    LinuxPodSandboxStatus,
    Namespace,
    PodIP,
    PodSandboxNetworkStatus,
    PodSandboxStatus,
)
from orlop.services import container_status
from orlop.services.deck import Deck

Answer = tuple[PodSandboxStatus, dict[str, str], tuple[ContainerStatusView, ...], int]


def pod_sandbox_status(deck: Deck, pod_id: str, verbose: bool) -> Answer:
    """The pod's status, verbose information, its containers' statuses, and the time of this answer in nanoseconds."""
    entry = deck.state.pods.find(pod_id)
    if not entry.status.made:
        raise NotFound(f"pod sandbox {entry.record.id} is not made yet")
    containers = container_status.of_pod(deck, entry.record.id)
    return view(entry), {"info": _info(entry)} if verbose else {}, containers, time.time_ns()


def view(entry: PodEntry) -> PodSandboxStatus:
    """The CRI's view of a pod sandbox."""
    record, status = entry.record, entry.status
    options = record.config.linux.security_context.namespace_options
    return PodSandboxStatus(
        id=record.id,
        metadata=record.config.metadata,
        state=status.state,
        created_at=record.created_at,
        network=PodSandboxNetworkStatus(
            ip=status.ips[0] if status.ips else "", additional_ips=tuple(PodIP(ip=ip) for ip in status.ips[1:])
        ),
        linux=LinuxPodSandboxStatus(namespaces=Namespace(options=options)),
        labels=record.config.labels,
        annotations=record.config.annotations,
        runtime_handler=record.handler_asked,
    )


def _info(entry: PodEntry) -> str:
    record, status = entry.record, entry.status
    info = {
        "runtimeHandler": record.handler,
        "namespaces": record.namespaces,
        "cgroupParent": record.cgroup_parent,
        "runDir": record.run_dir,
        "lost": status.lost,
        "overhead": status.overhead,
        "resources": status.resources,
        "config": record.config,
    }
    return msgspec.json.encode(info).decode()
