"""Figures of a container that its shim is asked for."""

import asyncio
import logging
import time

from orlop.engine.shim.usage import usage_of
from orlop.linux.cgroups.usage import CgroupUsage
from orlop.model.container import ContainerRecord
from orlop.model.errors import OrlopError
from orlop.services.deck import Deck
from orlop.ttrpc.errors import Disconnected, StatusError

log = logging.getLogger(__name__)

LIMIT = 5.0
"""Seconds for one answer: a list of many containers waits for the slowest."""


async def told_usage(deck: Deck, record: ContainerRecord) -> CgroupUsage | None:
    """One reading; None where the shim does not give any, which is logged: other figures are told all the same."""
    try:
        async with asyncio.timeout(LIMIT):
            service = await deck.shims.reach(record.bundle)
            return usage_of(*await service.stats(record.id), time.time_ns())
    except (OrlopError, StatusError, Disconnected, TimeoutError) as error:
        log.warning("container %s: its shim tells no figures: %s", record.id, error)
        return None
