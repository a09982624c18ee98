"""ListContainers: from memory alone."""

from orlop.engine.state.table import ContainerEntry
from orlop.model.container import Container, ContainerFilter
from orlop.services.deck import Deck
from orlop.services.selecting import labels_match


def list_containers(deck: Deck, wanted: ContainerFilter | None) -> list[Container]:
    """Views of what is fitting."""
    return [view(entry) for entry in fitting(deck, wanted)]


def fitting(deck: Deck, wanted: ContainerFilter | None) -> list[ContainerEntry]:
    """Every container that is made and that all given conditions fit; pause processes are not among them."""
    return [entry for entry in deck.state.containers if _fits(entry, wanted)]


def _fits(entry: ContainerEntry, wanted: ContainerFilter | None) -> bool:
    record, status = entry.record, entry.status
    if not status.made or record.infra:
        return False
    if wanted is None:
        return True
    return (
        record.id.startswith(wanted.id)
        and record.pod_id.startswith(wanted.pod_sandbox_id)
        and (wanted.state is None or wanted.state.state is status.state)
        and labels_match(wanted.label_selector, record.config.labels)
    )


def view(entry: ContainerEntry) -> Container:
    """As it is told."""
    record = entry.record
    return Container(
        id=record.id,
        pod_sandbox_id=record.pod_id,
        metadata=record.config.metadata,
        image=record.config.image,
        image_ref=record.image_ref,
        state=entry.status.state,
        created_at=record.created_at,
        labels=record.config.labels,
        annotations=record.config.annotations,
        image_id=record.image_id,
    )
