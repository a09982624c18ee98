"""The client of a ttrpc connection: any number of unary calls at once, each with its deadline.

ttrpc has no way to take a call back: at a deadline the caller goes on, and an answer that comes later is dropped.
"""

import asyncio
from collections.abc import Mapping
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from orlop.ttrpc.envelope_pb2 import KeyValue, Request, Response
from orlop.ttrpc.errors import Code, Disconnected, StatusError
from orlop.ttrpc.frames import Frame, Kind
from orlop.ttrpc.link import ByteStream, FrameLink

M = TypeVar("M", bound=Message)

LAST_STREAM = (1 << 32) - 1


class Client:
    """One connection. Made inside of a running loop; close it with aclose."""

    def __init__(self, stream: ByteStream) -> None:
        self._link = FrameLink(stream)
        self._next = 1  # odd: begun by the client
        self._waiting: dict[int, asyncio.Future[Frame]] = {}
        self._end: Exception | None = None
        self._reading = asyncio.create_task(self._read(), name="ttrpc client")

    async def invoke(
        self,
        service: str,
        method: str,
        request: Message,
        response: type[M],
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> M:
        """A call with messages. Raises what call does; an answer of another kind is a StatusError INTERNAL."""
        payload = await self.call(service, method, request.SerializeToString(), timeout=timeout, metadata=metadata)
        try:
            return response.FromString(payload)
        except DecodeError as error:
            raise StatusError(Code.INTERNAL, f"{service}/{method} answered no {response.__name__}: {error}") from error

    async def call(
        self,
        service: str,
        method: str,
        payload: bytes,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> bytes:
        """One unary call; timeout in seconds, told to the peer too.

        Raises StatusError (the peer's, or DEADLINE_EXCEEDED and RESOURCE_EXHAUSTED of here) and Disconnected.
        """
        envelope = Request(
            service=service,
            method=method,
            payload=payload,
            timeout_nano=int((timeout or 0) * 1e9),
            metadata=[KeyValue(key=key, value=value) for key, value in (metadata or {}).items()],
        )
        if self._end is not None:
            raise Disconnected(f"{service}/{method}: {self._end}") from self._end
        stream = self._new_stream()
        answer = self._waiting[stream] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout):
                await self._link.send(Frame(stream, Kind.REQUEST, envelope.SerializeToString()))
                frame = await answer
        except TimeoutError as error:
            raise StatusError(Code.DEADLINE_EXCEEDED, f"{service}/{method} has no answer after {timeout} s") from error
        except ValueError as error:
            raise StatusError(Code.RESOURCE_EXHAUSTED, f"{service}/{method}: {error}") from error
        except Disconnected as error:
            raise Disconnected(f"{service}/{method}: {error}") from error
        finally:
            self._waiting.pop(stream, None)
            if not answer.cancel() and not answer.cancelled():
                answer.exception()  # looked at: where sending failed nobody else does
        return _payload(frame, f"{service}/{method}")

    async def wait_closed(self) -> Exception:
        """Wait for the connection's end, whoever ended it; the answer says why."""
        await asyncio.wait([self._reading])
        return self._end or Disconnected("closed here")

    @property
    def connected(self) -> bool:
        """Whether calls are possible still, as far as is known."""
        return self._end is None

    async def aclose(self) -> None:
        """Close the connection; calls that wait end with Disconnected."""
        self._finish(Disconnected("closed here"))
        self._reading.cancel()
        await asyncio.wait([self._reading])

    def _new_stream(self) -> int:
        stream, self._next = self._next, self._next + 2
        if stream > LAST_STREAM:
            self._finish(Disconnected("its numbers of streams are used up"))
            raise Disconnected("the connection has had two thousand million calls; open another one")
        return stream

    async def _read(self) -> None:
        end: Exception = Disconnected("closed here")
        try:
            while (frame := await self._link.receive()) is not None:
                waiting = self._waiting.get(frame.stream)
                if waiting is not None and not waiting.done():
                    waiting.set_result(frame)
            end = Disconnected("the peer closed the connection")
        except ConnectionError as error:
            end = error
        finally:
            self._finish(end)

    def _finish(self, end: Exception) -> None:
        if self._end is None:
            self._end = end
        self._link.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Disconnected(str(self._end)))


def _payload(frame: Frame, call: str) -> bytes:
    if frame.oversized:
        raise StatusError(Code.RESOURCE_EXHAUSTED, f"{call} answered with more than a message may have")
    if frame.kind != Kind.RESPONSE:
        raise StatusError(Code.INTERNAL, f"{call} answered with a frame of kind {frame.kind}, not with a response")
    try:
        response = Response.FromString(frame.data)
    except DecodeError as error:
        raise StatusError(Code.INTERNAL, f"{call} answered no response of ttrpc: {error}") from error
    if response.status.code != Code.OK:
        raise StatusError(response.status.code, response.status.message)
    return response.payload
