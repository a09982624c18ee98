"""One line of the preflight: what was looked at, how it is, and what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is."""

    OK = "ok"
    WARNING = "warning"
    """The node works, but something that clusters want does not."""
    MISSING = "missing"
    """The node cannot run pods like this."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a node needs."""

    name: str
    state: State
    detail: str
    remedy: str = ""
    """What to do; empty when all is well."""


Tell = Callable[[str, str, str], Finding]
"""warning or missing: what a fault of a thing amounts to."""


def ok(name: str, detail: str) -> Finding:
    """All is well."""
    return Finding(name, State.OK, detail)


def warning(name: str, detail: str, remedy: str) -> Finding:
    """Worth a look."""
    return Finding(name, State.WARNING, detail, remedy)


def missing(name: str, detail: str, remedy: str) -> Finding:
    """Must be mended."""
    return Finding(name, State.MISSING, detail, remedy)
