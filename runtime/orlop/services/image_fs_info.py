"""ImageFsInfo: what images and containers take on disk, from records, not from a walk."""

import time

from orlop.engine.stats.filesystem import filesystem_usage
from orlop.model.stats import FilesystemUsage
from orlop.services.deck import Deck
from orlop.services.measuring import all_that_can


async def image_fs_info(deck: Deck) -> tuple[list[FilesystemUsage], list[FilesystemUsage]]:
    """The filesystem of images, and that of containers' writable layers: one and the same here (KEP-4191)."""
    used, inodes = await deck.images.usage()
    uppers = await all_that_can(deck.roots.usage(entry.record.id) for entry in deck.state.containers)
    upper_bytes, upper_inodes = sum(upper[0] for upper in uppers), sum(upper[1] for upper in uppers)
    root, now = deck.settings.root_dir, time.time_ns()
    return (
        [filesystem_usage(root, used, inodes, now)],
        [filesystem_usage(root, upper_bytes, upper_inodes, now)],
    )
