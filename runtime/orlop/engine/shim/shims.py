"""`Shims`: the running shims, each with one connection however many containers it has, found again by their bundles."""

import asyncio
import logging

from orlop.aio.joining import Joining
from orlop.engine.shim.bootstrap import Bootstrap, ShimBinary, read_bootstrap, write_bootstrap
from orlop.engine.shim.events import EventsEndpoint
from orlop.engine.shim.shimlog import ShimLog
from orlop.engine.shim.stdio import Stdio
from orlop.engine.shim.task import TaskService
from orlop.linux.files import remove_file
from orlop.model.errors import OrlopError, Unavailable
from orlop.ttrpc.client import Client
from orlop.ttrpc.link import SocketStream

log = logging.getLogger(__name__)

CONNECT_LIMIT = 10.0
"""Seconds."""


class ShimGone(Unavailable):
    """Nobody answers at the shim's address: it has died, or ended with its last container."""


class Shims:
    """Connections to shims, and the streams of their containers."""

    def __init__(self, events: EventsEndpoint) -> None:
        self.events = events
        self.stdio: dict[str, Stdio] = {}
        """By container, as long as the daemon reads them."""
        self._logs: dict[str, ShimLog] = {}
        self._services: dict[str, TaskService] = {}
        self._connecting: Joining[str, TaskService] = Joining("connection to a shim")

    async def boot(self, path: str, container_id: str, bundle: str, options: bytes) -> TaskService:
        """Have a shim started for a pod's first container. Raises OrlopError."""
        self.listen(container_id, bundle)
        binary = ShimBinary(path=path, events=self.events.path)
        return await self._connected(await binary.start(container_id, bundle, options))

    async def join(self, bundle: str, first: str) -> TaskService:
        """The shim that was started for the bundle `first`, for another container of its pod. Raises ShimGone."""
        bootstrap = _known(first)
        service = await self._connected(bootstrap)
        write_bootstrap(bundle, bootstrap)
        return service

    async def reach(self, bundle: str) -> TaskService:
        """The shim of a bundle. Raises ShimGone."""
        return await self._connected(_known(bundle))

    def listen(self, container_id: str, bundle: str) -> None:
        """Read what the shim that was born in this bundle says. Again is fine."""
        if container_id not in self._logs:
            self._logs[container_id] = ShimLog(bundle, container_id)

    async def forget(self, container_id: str) -> None:
        """Let go of a container's streams, and of the log of a shim that was born with it."""
        if (stdio := self.stdio.pop(container_id, None)) is not None:
            await stdio.aclose()
        if (shim_log := self._logs.pop(container_id, None)) is not None:
            await shim_log.aclose()

    async def bury(self, path: str, container_id: str, bundle: str) -> None:
        """The shim has died: have its binary remove what it left. Nothing happens where none was started."""
        bootstrap = read_bootstrap(bundle)
        if bootstrap is None:
            return
        await self.remove_leftovers(path, container_id, bundle)
        if bootstrap.socket.startswith("/"):
            remove_file(bootstrap.socket)  # runc's shim leaves it when it is killed

    async def remove_leftovers(self, path: str, container_id: str, bundle: str) -> None:
        """Have the shim's binary remove what is left of a container that no shim knows.

        It fails where the shim died before the container was begun, and has nothing to remove then: that is told, and
        keeps nobody from removing the rest.
        """
        try:
            await ShimBinary(path=path, events=self.events.path).delete(container_id, bundle)
        except OrlopError as error:
            log.info("%s", error)

    async def aclose(self) -> None:
        """Let go of every connection and stream; shims and containers go on."""
        for container_id in {*self.stdio, *self._logs}:
            await self.forget(container_id)
        for service in list(self._services.values()):
            await service.aclose()
        self._services.clear()
        await self.events.aclose()

    async def _connected(self, bootstrap: Bootstrap) -> TaskService:
        service = self._services.get(bootstrap.address)
        if service is not None and service.connected:
            return service
        return await self._connecting.do(bootstrap.address, lambda: self._connect(bootstrap))

    async def _connect(self, bootstrap: Bootstrap) -> TaskService:
        for address, service in list(self._services.items()):
            if not service.connected:  # shims that have ended, and the one that is looked for
                self._services.pop(address)
                await service.aclose()
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                stream = await SocketStream.connect(bootstrap.socket)
        except (OSError, TimeoutError) as error:
            raise ShimGone(f"the shim does not answer at {bootstrap.address}: {error}") from error
        service = self._services[bootstrap.address] = TaskService(Client(stream), bootstrap.service)
        return service


def _known(bundle: str) -> Bootstrap:
    bootstrap = read_bootstrap(bundle)
    if bootstrap is None:
        raise ShimGone(f"no shim was started for {bundle}")
    return bootstrap
