"""The session of exec and attach, one for every protocol: a plan on one side, the client's channels on the other."""

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping

from orlop.aio.duplex import OutputName, Size
from orlop.model.errors import OrlopError
from orlop.services.streams import CommandPlan, StreamChoice
from orlop.streaming import status
from orlop.streaming.channels import Channel
from orlop.streaming.idle import IdleLimit

log = logging.getLogger(__name__)

MAX_SIZE_TEXT = 1024
"""Bytes of one size of a window as JSON."""

GOODBYE = 1.0
"""Seconds for the last word to a client whose session is ended from our side."""

Channels = Mapping[str, Channel]
"""By the names that Kubernetes gives them: error, stdin, stdout, stderr, resize."""


def expected(choice: StreamChoice, *, resizes: bool) -> frozenset[str]:
    """The channels that a client opens for these streams."""
    names = {name for name in ("stdin", "stdout", "stderr") if getattr(choice, name)}
    return frozenset(names | {"error"} | ({"resize"} if choice.tty and resizes else set()))


async def serve_command(plan: CommandPlan, channels: Channels, *, idle_timeout: float, as_json: bool = True) -> None:
    """Run the plan for the client, then tell how it ended. All channels are finished at the end."""
    try:
        async with IdleLimit(idle_timeout) as limit:
            code = await plan.run(RemoteClient(channels, limit.touch))
        told = status.exited(code) if as_json else status.exited_text(code)
    except asyncio.CancelledError:
        # The daemon's end: without a word the client would take it for success. A client that has gone gets nothing.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await channels["error"].write(_failure(f"{plan.title}: the daemon was stopped", as_json))
        raise
    except TimeoutError:
        told = _failure(f"{plan.title}: the session was closed after {idle_timeout:g} s without a byte", as_json)
    except OrlopError as error:
        log.debug("%s: %s", plan.verb, error)
        told = _failure(str(error), as_json)
    except Exception:  # a bug, or an unforeseen answer of the system: the client must get an end of its session
        reference = secrets.token_hex(4)
        log.exception("%s of %s failed (reference %s)", plan.verb, plan.title, reference)
        told = _failure(f"{plan.title}: internal error, reference {reference} in the daemon's log", as_json)
    for name in ("stdout", "stderr"):
        if name in channels:
            await channels[name].finish()
    await channels["error"].write(told)
    await channels["error"].finish()


class RemoteClient:
    """The client as the plan sees it (aio.duplex.Client)."""

    def __init__(self, channels: Channels, touch: Callable[[], None]) -> None:
        self._channels = channels
        self._touch = touch
        self._sizes = Sizes(channels["resize"].read) if "resize" in channels else None

    async def read(self) -> bytes:
        """The client's input."""
        if "stdin" not in self._channels:
            return b""
        data = await self._channels["stdin"].read()
        self._touch()
        return data

    async def write(self, output: OutputName, data: bytes) -> None:
        """An output; one that the client did not open is dropped."""
        self._touch()
        if output in self._channels:
            await self._channels[output].write(data)

    async def resized(self) -> Size | None:
        """The next size of the client's window."""
        return await self._sizes.next() if self._sizes else None


class Sizes:
    """Sizes of a window out of a stream of JSON objects."""

    def __init__(self, read: Callable[[], Awaitable[bytes]]) -> None:
        self._read = read
        self._text = b""

    async def next(self) -> Size | None:
        """None at the end of the stream, or when it is not what it should be."""
        while True:
            one, brace, rest = self._text.partition(b"}")
            if brace:
                self._text = rest
                if size := parse_size(one + brace):
                    return size
                continue
            if len(self._text) > MAX_SIZE_TEXT or not (data := await self._read()):
                return None
            self._text += data


def parse_size(text: bytes) -> Size | None:
    """One object, {"Width": 80, "Height": 24}; None for anything else."""
    try:
        value = json.loads(text)
        width, height = value["Width"], value["Height"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not (isinstance(width, int) and isinstance(height, int) and 0 < width < 1 << 16 and 0 < height < 1 << 16):
        return None
    return Size(width, height)


def _failure(message: str, as_json: bool) -> bytes:
    return status.failed(message) if as_json else message.encode()
