"""Log lines for people, for the journal and for machines."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from orlop.aio import calls
from orlop.daemon import logs

log = logging.getLogger("orlop.test")


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """Where lines go; the run's own handlers come back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def in_request() -> Iterator[calls.Call]:
    """The test is the answer to a request."""
    token = calls._current.set(call := calls.Call("StopContainer", "container=0123456789ab"))
    yield call
    calls._current.reset(token)


def test_text_is_one_line_with_time_level_and_request(out: io.StringIO, in_request: calls.Call) -> None:
    logs.set_up("info", "text", out)
    log.info("two\nlines")
    [line] = out.getvalue().splitlines()
    assert line[:10].count("-") == 2
    assert line.endswith(f"Z INFO    [#{in_request.number} StopContainer container=0123456789ab] two | lines")


def test_text_without_a_request(out: io.StringIO) -> None:
    logs.set_up("warning", "text", out)
    log.info("not shown")
    log.warning("shown")
    assert out.getvalue().endswith("Z WARNING shown\n")
    assert out.getvalue().count("\n") == 1


def test_a_traceback_follows_its_line(out: io.StringIO) -> None:
    logs.set_up("info", "text", out)
    try:
        raise ValueError("cause")
    except ValueError:
        log.exception("it broke")
    first, *rest = out.getvalue().splitlines()
    assert first.endswith("ERROR   it broke")
    assert all(line.startswith("    ") for line in rest)
    assert rest[-1].strip() == "ValueError: cause"


def test_json_is_one_object_a_line(out: io.StringIO, in_request: calls.Call) -> None:
    logs.set_up("info", "json", out)
    try:
        raise ValueError("cause")
    except ValueError:
        log.exception('"quoted"\nand split')
    [line] = out.getvalue().splitlines()
    found = json.loads(line)
    assert (found["level"], found["logger"], found["message"]) == ("error", "orlop.test", '"quoted"\nand split')
    assert (found["request"], found["rpc"]) == (str(in_request.number), "StopContainer")
    assert "ValueError: cause" in found["error"]


def test_the_journal_gets_a_priority_and_no_time() -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 0, "disk %s", ("full",), None)
    assert logs.TextLines(journal=True).format(record) == "<3>disk full"


def test_the_level_can_change(out: io.StringIO) -> None:
    logs.set_up("error", "text", out)
    log.debug("before")
    logs.set_level("debug")
    log.debug("after")
    assert "before" not in out.getvalue() and "after" in out.getvalue()
