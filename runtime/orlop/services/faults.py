"""Errors of the layers below, told in the user's terms: which object, which step, what to do."""

import contextlib
import errno
import sqlite3
from collections.abc import Iterator

from orlop.aio.process import CommandError
from orlop.model.errors import (
    InvalidArgument,
    OrlopError,
    ResourceExhausted,
    TimedOut,
)
from orlop.services.steps import Steps

_EXHAUSTED = {
    errno.ENOSPC: "the filesystem is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EMFILE: "the daemon has too many open files",
    errno.ENFILE: "the machine has too many open files",
    errno.ENOMEM: "the machine has no memory left",
}


def tell(error: Exception, what: str, step: str) -> OrlopError:
    """The error as one of the domain, with the object and the step in front; already told ones keep their type."""
    where = f"{what}: {step}"
    if isinstance(error, OrlopError):
        return _kind(error)(f"{where}: {error}")
    if isinstance(error, OSError) and error.errno in _EXHAUSTED:
        return ResourceExhausted(f"{where}: {_EXHAUSTED[error.errno]} ({error})")
    if isinstance(error, TimeoutError):
        return TimedOut(f"{where}: {str(error) or 'the time limit was reached'}")
    if isinstance(error, sqlite3.OperationalError):
        return ResourceExhausted(f"{where}: the state database cannot be written: {error}")
    if isinstance(error, (OSError, CommandError)):
        return OrlopError(f"{where}: {error}")
    if isinstance(error, ValueError):
        return InvalidArgument(f"{where}: {error}")
    return OrlopError(f"{where}: {type(error).__name__}: {error}")


def _kind(error: OrlopError) -> type[OrlopError]:
    """The error's kind in the model: parts have errors of their own below, with more to say than a text."""
    return next(kind for kind in type(error).__mro__ if kind.__module__ == OrlopError.__module__)


@contextlib.contextmanager
def told(steps: Steps) -> Iterator[None]:
    """Turn whatever is raised inside into a domain error that names the object and the step it was in."""
    try:
        yield
    except OrlopError as error:
        raise tell(error, steps.what, steps.step) from error
    except (OSError, CommandError, TimeoutError, sqlite3.Error, ValueError) as error:
        raise tell(error, steps.what, steps.step) from error
