"""An NRI plugin that does as a test says, also what no library would do: it hangs, lies, and breaks off."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.message import Message

from orlop.engine.nri.mux import PLUGIN_SERVICE, RUNTIME_SERVICE, Trunk
from orlop.engine.nri.plugin import SERVICE as PLUGIN
from orlop.engine.nri.registry import SERVICE as RUNTIME
from orlop.engine.nri.v1 import requests_pb2 as requests
from orlop.ttrpc.client import Client
from orlop.ttrpc.link import SocketStream
from orlop.ttrpc.server import Server

Answer = Callable[[Any], Awaitable[Message]]

KINDS: dict[str, type[Message]] = {
    "Configure": requests.ConfigureRequest,
    "Synchronize": requests.SynchronizeRequest,
    "Shutdown": requests.Empty,
    "RunPodSandbox": requests.PodEvent,
    "CreateContainer": requests.ContainerEvent,
    "StateChange": requests.StateChangeEvent,
}


class FakePlugin:
    """Connected; registers when told to."""

    def __init__(self, trunk: Trunk, answers: dict[str, Answer]) -> None:
        self.heard: list[tuple[str, Any]] = []
        """Method and request."""
        self._trunk = trunk
        self._answers = {"Configure": _configure, "Synchronize": _synchronize, **answers}
        self.runtime = Client(trunk.channels[RUNTIME_SERVICE])
        methods = {f"{PLUGIN}/{name}": self._method(name) for name in self._answers}
        self._server = Server(trunk.channels[PLUGIN_SERVICE], methods)
        self._reading = asyncio.create_task(trunk.run())

    @classmethod
    async def connect(cls, path: str, **answers: Answer) -> "FakePlugin":
        """To the daemon's socket."""
        return cls(Trunk(await SocketStream.connect(path)), answers)

    async def register(self, index: str = "10", name: str = "fake") -> None:
        """Register. Raises what the daemon answers."""
        request = requests.RegisterPluginRequest(plugin_idx=index, plugin_name=name)
        await self.runtime.invoke(RUNTIME, "RegisterPlugin", request, requests.Empty)

    async def ended(self) -> None:
        """Wait until the daemon has let go."""
        await asyncio.wait([self._reading])

    async def aclose(self) -> None:
        """Break off."""
        self._trunk.close()
        await self.runtime.aclose()
        await self._server.aclose()
        await asyncio.wait([self._reading])

    def _method(self, name: str) -> Callable[[bytes], Awaitable[bytes]]:
        async def method(payload: bytes) -> bytes:
            request = KINDS[name].FromString(payload)
            self.heard.append((name, request))
            return (await self._answers[name](request)).SerializeToString()

        return method


async def hang(_: object) -> Message:
    """Never answers."""
    await asyncio.Event().wait()
    raise AssertionError


async def _configure(_: object) -> Message:
    return requests.ConfigureResponse()


async def _synchronize(request: requests.SynchronizeRequest) -> Message:
    return requests.SynchronizeResponse(more=request.more)
