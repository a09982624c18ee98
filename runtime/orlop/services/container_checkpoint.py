"""CheckpointContainer: a running container as an archive on the node; it goes on running."""

import os

from orlop.aio.threads import offload
from orlop.engine.checkpoint import files
from orlop.linux.files import ensure_dir, remove_tree
from orlop.model.errors import InvalidArgument
from orlop.services.capturing import DEFAULT_LIMIT, capture
from orlop.services.deck import Deck
from orlop.services.faults import told
from orlop.services.naming import container_title, new_id
from orlop.services.steps import Steps


async def checkpoint_container(deck: Deck, container_id: str, location: str, timeout: int) -> None:
    """Write a checkpoint to an absolute path, whole or not at all. timeout: seconds, 0 is our own limit."""
    entry = deck.state.containers.find(container_id)
    record = entry.record
    steps = Steps(container_title(record.config.metadata, deck.pod_metadata(record.pod_id)))
    with told(steps):
        steps.enter("check the request")
        if not os.path.isabs(location) or location.endswith("/") or "\0" in location:
            raise InvalidArgument(f"location {location!r} is not the absolute path of an archive")
        place = deck.settings.checkpoint_dir(new_id())
        try:
            await offload(ensure_dir, place, 0o700)
            await capture(deck, {record.id: place}, steps, limit=float(timeout) if timeout > 0 else DEFAULT_LIMIT)
            steps.enter(f"write {location}")
            await offload(files.pack, place, location)
        finally:
            await offload(remove_tree, place)
    steps.log_done("checkpointed")
