"""The request that the current task answers, for log lines and slow-request warnings. It holds none of its data.

The holder is shared by all tasks that are started while it is answered. Nothing here decides anything.
"""

import itertools
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

_numbers = itertools.count(1)


@dataclass(slots=True)
class Call:
    """One request from a client."""

    rpc: str
    subject: str = ""
    """What it is about: "container=0123456789ab"."""
    number: int = field(default_factory=lambda: next(_numbers))
    """Counts since the daemon's start; ties the log lines of one request together."""
    standing: Callable[[], str] | None = None
    """Tells the step that the work is at, where the work has steps."""

    def __str__(self) -> str:
        return f"#{self.number} {self.rpc} {self.subject}".rstrip()


_current: ContextVar[Call | None] = ContextVar("call", default=None)


def begin(rpc: str, subject: str = "") -> Call:
    """The current task, and tasks it starts, answer this request from now on."""
    call = Call(rpc, subject)
    _current.set(call)
    return call


def current() -> Call | None:
    """The request being answered; None in the daemon's own work."""
    return _current.get()


def follow(standing: Callable[[], str]) -> None:
    """From now on this tells where the current request stands. Without a request nothing happens."""
    call = _current.get()
    if call is not None:
        call.standing = standing
