"""Errors of the layers below are told with the object and the step, and keep their kind."""

import errno
import sqlite3

import pytest

from orlop.model import errors
from orlop.services.faults import tell, told
from orlop.services.steps import Steps


@pytest.mark.parametrize(
    ("cause", "kind", "text"),
    [
        (errors.NotFound("image 'x' is not here"), errors.NotFound, "image 'x' is not here"),
        (OSError(errno.ENOSPC, "No space left on device", "/var/lib/x"), errors.ResourceExhausted, "/var/lib/x"),
        (OSError(errno.EMFILE, "Too many open files"), errors.ResourceExhausted, "open files"),
        (PermissionError(errno.EACCES, "Permission denied", "/etc/x"), errors.OrlopError, "/etc/x"),
        (TimeoutError(), errors.TimedOut, "time limit"),
        (sqlite3.OperationalError("database or disk is full"), errors.ResourceExhausted, "disk is full"),
        (ValueError("no such signal: 'X'"), errors.InvalidArgument, "no such signal"),
        (KeyError("surprise"), errors.OrlopError, "KeyError"),
    ],
)
def test_kind_and_text(cause, kind, text):
    error = tell(cause, "container a of pod b/c", "write the OCI configuration")
    assert type(error) is kind
    assert str(error).startswith("container a of pod b/c: write the OCI configuration: ")
    assert text in str(error)


def test_told_names_the_step_that_was_current_and_keeps_the_cause():
    steps = Steps("pod a/b")
    wanted = pytest.raises(errors.ResourceExhausted, match="pod a/b: set up its network: the filesystem is full")
    with wanted as caught, told(steps):
        steps.enter("make its namespaces")
        steps.enter("set up its network")
        raise OSError(errno.ENOSPC, "No space left on device", "/var/lib/cni")
    assert isinstance(caught.value.__cause__, OSError)


def test_programming_errors_pass_through_untouched():
    with pytest.raises(AttributeError), told(Steps("pod a/b")):
        raise AttributeError("a bug")


def test_standing_and_times():
    steps = Steps("pod a/b")
    steps.enter("one")
    steps.enter("two")
    assert steps.standing().startswith("two (for 0.0 s")
    assert [name for name, _ in steps.done] == ["begin", "one"]
