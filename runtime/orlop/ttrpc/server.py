"""The server of one ttrpc connection: unary methods, a bounded number of calls at a time, each with its deadline.

Who listens, and which methods there are, is the caller's business.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from google.protobuf.message import DecodeError

from orlop.aio.tasks import Background
from orlop.ttrpc.envelope_pb2 import Request, Response, Status
from orlop.ttrpc.errors import Code, Disconnected, StatusError
from orlop.ttrpc.frames import Frame, Kind
from orlop.ttrpc.link import ByteStream, FrameLink

log = logging.getLogger(__name__)

Method = Callable[[bytes], Awaitable[bytes]]
"""From a request's bytes to its answer's. Raises StatusError for the peer; anything else is INTERNAL, and logged."""

MOST_CALLS = 16
"""At a time; further ones wait unread, and so does the peer."""
LONGEST = 24 * 3600.0
"""Seconds; a deadline beyond is this one."""


class Server:
    """One connection. Made inside of a running loop; serves at once; close it with aclose."""

    def __init__(self, stream: ByteStream, methods: Mapping[str, Method]) -> None:
        """methods: by "service/method"."""
        self._link = FrameLink(stream)
        self._methods = methods
        self._calls = Background()
        self._room = asyncio.Semaphore(MOST_CALLS)
        self._last = 0
        self._reading = asyncio.create_task(self._read(), name="ttrpc server")

    async def wait_closed(self) -> None:
        """Wait for the connection's end, whoever ended it."""
        await asyncio.wait([self._reading])

    async def aclose(self) -> None:
        """Close the connection and cancel the calls in progress."""
        self._link.close()
        self._reading.cancel()
        await asyncio.wait([self._reading])
        await self._calls.aclose()

    async def _read(self) -> None:
        try:
            while (frame := await self._link.receive()) is not None:
                await self._take(frame)
        except ConnectionError as error:
            log.debug("a ttrpc connection ended: %s", error)
        finally:
            self._link.close()

    async def _take(self, frame: Frame) -> None:
        refusal = self._refusal(frame)
        if refusal is not None:
            await self._answer(frame.stream, status=refusal)
        elif frame.kind == Kind.REQUEST:
            self._last = frame.stream
            await self._room.acquire()
            self._calls.spawn(self._serve(frame), f"ttrpc call {frame.stream}")
        # Other kinds may come with a later version of the protocol.

    def _refusal(self, frame: Frame) -> Status | None:
        if frame.oversized:
            return Status(code=Code.RESOURCE_EXHAUSTED, message="the message is longer than 4 MiB")
        if frame.kind == Kind.DATA:
            return Status(code=Code.INVALID_ARGUMENT, message="no stream is open: only unary calls are served here")
        if frame.kind == Kind.REQUEST and (frame.stream % 2 == 0 or frame.stream <= self._last):
            return Status(code=Code.INVALID_ARGUMENT, message=f"stream {frame.stream} is not odd and new")
        return None

    async def _serve(self, frame: Frame) -> None:
        try:
            await self._answer(frame.stream, payload=await self._call(frame.data))
        except StatusError as error:
            await self._answer(frame.stream, status=Status(code=error.code, message=str(error)))
        except Exception:  # whatever it is, the peer waits for an answer
            log.exception("a ttrpc call failed")
            await self._answer(frame.stream, status=Status(code=Code.INTERNAL, message="an error of the server"))
        finally:
            self._room.release()

    async def _call(self, data: bytes) -> bytes:
        try:
            request = Request.FromString(data)
        except DecodeError as error:
            raise StatusError(Code.INVALID_ARGUMENT, f"the request's envelope cannot be read: {error}") from error
        name = f"{request.service}/{request.method}"
        method = self._methods.get(name)
        if method is None:
            raise StatusError(Code.UNIMPLEMENTED, f"there is no method {name[:200]}")
        seconds = request.timeout_nano / 1e9
        try:
            async with asyncio.timeout(min(seconds, LONGEST) if seconds > 0 else None):
                return await method(request.payload)
        except TimeoutError as error:
            raise StatusError(Code.DEADLINE_EXCEEDED, f"{name} took longer than the {seconds:g} s it has") from error

    async def _answer(self, stream: int, *, payload: bytes = b"", status: Status | None = None) -> None:
        response = Response(payload=payload, status=status)
        try:
            await self._link.send(Frame(stream, Kind.RESPONSE, response.SerializeToString()))
        except ValueError as error:
            await self._answer(stream, status=Status(code=Code.RESOURCE_EXHAUSTED, message=str(error)))
        except Disconnected:
            pass  # the reader sees it too, and ends
