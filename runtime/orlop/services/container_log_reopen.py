"""ReopenContainerLog: the kubelet has renamed the log file and wants a new one."""

from orlop.model.enums import ContainerState
from orlop.model.errors import FailedPrecondition
from orlop.services.carriers.choice import carrier_of
from orlop.services.deck import Deck
from orlop.services.naming import container_title


async def reopen_container_log(deck: Deck, container_id: str) -> None:
    """Have its carrier begin a new file under the log's path, and wait for it. Only for running containers (CRI)."""
    entry = deck.state.containers.find(container_id)
    title = container_title(entry.record.config.metadata, deck.pod_metadata(entry.record.pod_id))
    if entry.status.state is not ContainerState.CONTAINER_RUNNING:
        raise FailedPrecondition(f"{title} is not running: its log cannot be reopened")
    if not entry.record.log_path:
        raise FailedPrecondition(f"{title} has no log: it was made without log_path")
    await carrier_of(deck, entry.record).reopen_log(entry.record)
