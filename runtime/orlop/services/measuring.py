"""Many measurements side by side. What is measured is in the verbs."""

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from itertools import islice
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE = 16
"""Measurements side by side: most do not wait for anything."""


async def all_that_can(measurements: Iterable[Awaitable[T]]) -> list[T]:
    """Their results in order. One that fails (its object is going, its disk is broken) is logged and hides no other.

    Other requests have their turn in between: a reading takes a tenth of a millisecond, and there may be hundreds.
    """
    found, waiting = [], iter(measurements)
    while batch := list(islice(waiting, AT_ONCE)):
        for result in await asyncio.gather(*batch, return_exceptions=True):
            if isinstance(result, BaseException):
                log.warning("left out of the figures: %s", result)
            else:
                found.append(result)
    return found
