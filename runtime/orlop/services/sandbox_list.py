"""ListPodSandbox: from memory alone."""

from orlop.engine.state.table import PodEntry
from orlop.model.pod import PodSandbox, PodSandboxFilter
from orlop.services.deck import Deck
from orlop.services.selecting import labels_match


def list_pod_sandboxes(deck: Deck, wanted: PodSandboxFilter | None) -> list[PodSandbox]:
    """Views of what is fitting."""
    return [view(entry) for entry in fitting(deck, wanted)]


def fitting(deck: Deck, wanted: PodSandboxFilter | None) -> list[PodEntry]:
    """Every pod sandbox that is made and that all given conditions fit."""
    return [entry for entry in deck.state.pods if _fits(entry, wanted)]


def _fits(entry: PodEntry, wanted: PodSandboxFilter | None) -> bool:
    if not entry.status.made:
        return False
    if wanted is None:
        return True
    return (
        entry.record.id.startswith(wanted.id)
        and (wanted.state is None or wanted.state.state is entry.status.state)
        and labels_match(wanted.label_selector, entry.record.config.labels)
    )


def view(entry: PodEntry) -> PodSandbox:
    """As it is told."""
    record = entry.record
    return PodSandbox(
        id=record.id,
        metadata=record.config.metadata,
        state=entry.status.state,
        created_at=record.created_at,
        labels=record.config.labels,
        annotations=record.config.annotations,
        runtime_handler=record.handler_asked,
    )
