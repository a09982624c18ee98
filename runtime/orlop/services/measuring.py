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
        found += await _alone(batch[0]) if len(batch) == 1 else await _together(batch)
    return found


async def _alone(measurement: Awaitable[T]) -> list[T]:
    """Without a task, which costs a pod with one container as much as the reading."""
    try:
        return [await measurement]
    except Exception as error:
        _left_out(error)
        return []


async def _together(measurements: list[Awaitable[T]]) -> list[T]:
    found = []
    for result in await asyncio.gather(*measurements, return_exceptions=True):
        if isinstance(result, BaseException):
            _left_out(result)
        else:
            found.append(result)
    return found


def _left_out(error: BaseException) -> None:
    log.warning("left out of the figures: %s", error)
