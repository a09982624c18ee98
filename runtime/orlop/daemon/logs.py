"""Log lines: one per event, for people or for machines, each with the request that it belongs to.

A traceback is the one thing that takes more lines in the text format; in JSON it is a field.
"""

import logging
import os
import sys
from datetime import UTC, datetime
from typing import TextIO

import msgspec

from orlop.aio import calls

# Priorities of syslog(3), which systemd reads from the front of a line (sd-daemon(3)).
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def set_up(level: str, form: str, stream: TextIO | None = None) -> None:
    """Log to the stream (stderr) from now on. form is "text" or "json"."""
    handler = logging.StreamHandler(stream or sys.stderr)
    # systemd's journal keeps times itself.
    to_journal = stream is None and "JOURNAL_STREAM" in os.environ
    handler.setFormatter(JsonLines() if form == "json" else TextLines(journal=to_journal))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    set_level(level)
    # At debug level these tell of their own insides.
    for library in ("asyncio", "grpc"):
        logging.getLogger(library).setLevel(logging.WARNING)


def set_level(level: str) -> None:
    """Least severe level that is logged from now on."""
    logging.getLogger().setLevel(level.upper())


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextLines(logging.Formatter):
    """`<time> <level> [<request>] <message>`."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback follows, indented."""
        call = calls.current()
        where = f"[{call}] " if call is not None else ""
        message = record.getMessage().replace("\n", " | ")
        front = self._priority(record) if self._journal else f"{_time(record)} {record.levelname:<7} "
        lines = [f"{front}{where}{message}"]
        if record.exc_info:
            lines += [f"    {line}" for line in self.formatException(record.exc_info).splitlines()]
        return "\n".join(lines)

    @staticmethod
    def _priority(record: logging.LogRecord) -> str:
        return f"<{_PRIORITIES.get(record.levelno, 5)}>"


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The object."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        call = calls.current()
        if call is not None:
            line |= {"request": str(call.number), "rpc": call.rpc, "subject": call.subject}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()
