"""One plugin that has joined: its subscription, and one call at a time with a time limit.

A plugin that does not answer in time, or breaks its connection, is let go of: the caller goes on without it. An answer
that is an error is the plugin's refusal.
"""

import asyncio
import logging
import re
from typing import TypeVar

from google.protobuf.message import Message

from orlop.aio.process import Process
from orlop.engine.nri.connection import Connection
from orlop.engine.nri.events import ALL, STATE_CHANGES, Event
from orlop.engine.nri.v1.objects_pb2 import Container, PodSandbox
from orlop.engine.nri.v1.requests_pb2 import (
    ConfigureRequest,
    ConfigureResponse,
    Empty,
    StateChangeEvent,
    SynchronizeRequest,
    SynchronizeResponse,
)
from orlop.model.errors import InvalidArgument, OrlopError, TimedOut, Unavailable
from orlop.ttrpc.errors import Code, Disconnected, StatusError

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Message)

SERVICE = "nri.pkg.api.v1alpha1.Plugin"
MOST_SYNCHRONIZED = 3 << 20
"""Bytes of pods and containers in one message: a message may have 4 MiB, and no object is near one."""
_NAME = re.compile(r"[a-zA-Z0-9_.+-]{1,200}")
_INDEX = re.compile(r"[0-9]{2}")


class Refused(OrlopError):
    """The plugin answered with an error."""


def full_name(index: str, name: str) -> str:
    """The name under which a plugin is told. Raises InvalidArgument for what the protocol does not allow."""
    if not _INDEX.fullmatch(index):
        raise InvalidArgument(f"an NRI plugin's index has two digits, not {index[:50]!r}")
    if not _NAME.fullmatch(name):
        raise InvalidArgument(f"{name[:50]!r} is not the name of an NRI plugin: letters, digits and _.+- are allowed")
    return f"{index}-{name}"


class Plugin:
    """A plugin, from its registration on."""

    def __init__(self, index: str, name: str, connection: Connection, *, timeout: float) -> None:
        """timeout: seconds that an answer may take. Raises InvalidArgument for a bad index or name."""
        self.name = full_name(index, name)
        self.index, self.base = index, name
        self.connection = connection
        self.process: Process | None = None
        """Where we have started it."""
        self._events = ALL
        self._timeout = timeout
        self._turn = asyncio.Lock()
        self._by_state_change: set[Event] = set()
        self.lost = ""
        """Why it has been let go of; empty while it is there."""

    def wants(self, event: Event) -> bool:
        """Whether it is there and has subscribed."""
        return not self.lost and bool(self._events & event.bit)

    def drop(self, why: str) -> None:
        """Let go of it; whoever waits for an answer goes on without."""
        if not self.lost:
            self.lost = why
            self.connection.close()

    async def configure(self, request: ConfigureRequest) -> None:
        """Hand it its configuration and learn what it subscribes to. Raises OrlopError."""
        answer = await self._must("Configure", request, ConfigureResponse, self._timeout)
        if extra := answer.events & ~ALL:
            raise InvalidArgument(f"NRI plugin {self.name} subscribes to events that do not exist: {extra:#x}")
        self._events = answer.events or ALL

    async def synchronize(
        self, pods: list[PodSandbox], containers: list[Container], timeout: float
    ) -> SynchronizeResponse:
        """Tell it all pods and containers, in as many messages as they need. Raises OrlopError."""
        answer = SynchronizeResponse()
        requests = _portions(pods, containers)
        for request in requests:
            answer = await self._must("Synchronize", request, SynchronizeResponse, timeout)
            if request.more and not answer.more:
                raise InvalidArgument(f"NRI plugin {self.name} cannot take the node's containers in several messages")
        return answer

    def turn(self) -> asyncio.Lock:
        """Held while it is synchronized: events wait until it knows what they are about."""
        return self._turn

    async def ask(self, event: Event, request: Message, answer: type[M]) -> M | None:
        """Its answer to an event; None where it is gone or does not know the event. Raises Refused."""
        async with self._turn:
            if self.lost:
                return None
            try:
                return await self._tell(event, request, answer)
            except Disconnected as error:
                self.drop(str(error))
            except StatusError as error:
                if error.code == Code.DEADLINE_EXCEEDED:
                    self.drop(f"{event.name} has no answer after {self._timeout:g} s")
                elif error.code != Code.UNIMPLEMENTED:
                    raise Refused(str(error)) from error
            return None

    async def shut_down(self, timeout: float) -> None:
        """Say that the daemon ends."""
        try:
            await self._call("Shutdown", Empty(), Empty, timeout)
        except (StatusError, Disconnected):
            pass  # it is told by the connection's end

    async def _tell(self, event: Event, request: Message, answer: type[M]) -> M:
        if event not in self._by_state_change:
            try:
                return await self._call(event.name, request, answer, self._timeout)
            except StatusError as error:
                if error.code != Code.UNIMPLEMENTED or event not in STATE_CHANGES:
                    raise
            self._by_state_change.add(event)
        return await self._change(event, request, answer)

    async def _change(self, event: Event, request: Message, answer: type[M]) -> M:
        """The event as StateChange, as plugins of older versions know it."""
        change = StateChangeEvent(event=event)
        change.pod.CopyFrom(request.pod)  # type: ignore[attr-defined]  # each of these requests has one
        if hasattr(request, "container"):
            change.container.CopyFrom(request.container)
        await self._call("StateChange", change, Empty, self._timeout)
        return answer()

    async def _must(self, method: str, request: Message, answer: type[M], timeout: float) -> M:
        try:
            return await self._call(method, request, answer, timeout)
        except Disconnected as error:
            raise Unavailable(f"NRI plugin {self.name} has gone: {error}") from error
        except StatusError as error:
            kind = TimedOut if error.code == Code.DEADLINE_EXCEEDED else Unavailable
            raise kind(f"NRI plugin {self.name}: {method}: {error}") from error

    async def _call(self, method: str, request: Message, answer: type[M], timeout: float) -> M:
        return await self.connection.client.invoke(SERVICE, method, request, answer, timeout=timeout)


def _portions(pods: list[PodSandbox], containers: list[Container]) -> list[SynchronizeRequest]:
    """Requests of bounded size; the last one says that nothing follows."""
    requests, size = [SynchronizeRequest()], 0
    for each in (*pods, *containers):
        if size and size + each.ByteSize() > MOST_SYNCHRONIZED:
            requests[-1].more = True
            requests.append(SynchronizeRequest())
            size = 0
        size += each.ByteSize()
        field = requests[-1].pods if isinstance(each, PodSandbox) else requests[-1].containers
        field.append(each)  # type: ignore[arg-type]  # the field's own kind of message
    return requests
