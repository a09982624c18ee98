"""Many measurements side by side. What is measured is in the verbs."""

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


async def all_that_can(measurements: Iterable[Awaitable[T]]) -> list[T]:
    """Their results in order. One that fails (its object is going, its disk is broken) is logged and hides no other."""
    found = []
    for result in await asyncio.gather(*measurements, return_exceptions=True):
        if isinstance(result, BaseException):
            log.warning("left out of the figures: %s", result)
        else:
            found.append(result)
    return found
