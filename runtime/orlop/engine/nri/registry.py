"""The plugins that are there: those that we start, and those that connect; each registers, is configured, is
synchronized, and from then on is asked in the order of the indices.

A plugin joins at one instant: what is made then is in its snapshot, and it is asked about everything that comes later,
once it has taken the snapshot in. Nothing lies between the two.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from orlop.aio.process import Process
from orlop.aio.tasks import Background
from orlop.engine.nri.connection import Connection
from orlop.engine.nri.launching import Installed, installed, launch
from orlop.engine.nri.plugin import Plugin
from orlop.engine.nri.v1.objects_pb2 import Container, PodSandbox
from orlop.engine.nri.v1.requests_pb2 import (
    ConfigureRequest,
    Empty,
    RegisterPluginRequest,
    SynchronizeResponse,
    UpdateContainersRequest,
    UpdateContainersResponse,
)
from orlop.model.errors import FailedPrecondition, InvalidArgument, OrlopError, TimedOut, Unavailable
from orlop.ttrpc.errors import Code, StatusError
from orlop.ttrpc.link import SocketStream

log = logging.getLogger(__name__)

SERVICE = "nri.pkg.api.v1alpha1.Runtime"
PROTOCOL_VERSION = "v0.12.0"
"""Of the NRI module whose protocol is spoken here; plugins may look at it."""
MOST_PLUGINS = 64
"""Connections at a time, registered or not."""
FAREWELL = 1.0
"""Seconds that plugins have to hear of the daemon's end, and that those we started have to end."""

Snapshot = Callable[[], Awaitable[tuple[list[PodSandbox], list[Container]]]]
"""Called at the instant of joining: what it looks at before its first await is what is made then."""


@dataclass(frozen=True, kw_only=True)
class NriSettings:
    """Configuration, as plain values."""

    socket: str = "/var/run/nri/nri.sock"
    """Empty: no plugin may connect, and only those of plugin_dir run."""
    plugin_dir: str = "/opt/nri/plugins"
    config_dir: str = "/etc/nri/conf.d"
    registration_timeout: float = 5.0
    request_timeout: float = 2.0
    runtime_version: str = ""
    swap: bool = False
    """Whether the node can limit swap."""


class Registry:
    """All plugins."""

    def __init__(
        self,
        settings: NriSettings,
        snapshot: Snapshot,
        joined: Callable[[Plugin, SynchronizeResponse], Awaitable[None]],
        update: Callable[[Plugin, UpdateContainersRequest], Awaitable[UpdateContainersResponse]],
    ) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._joined = joined
        self._update = update
        self._tasks = Background()
        self._server: asyncio.Server | None = None
        self._connections = 0
        self.plugins: list[Plugin] = []
        """In the order in which they are asked."""

    async def start(self) -> None:
        """Start the installed plugins and wait until each has joined or failed, then let others connect.

        Raises FailedPrecondition where the socket cannot be made.
        """
        found = await asyncio.to_thread(lambda: list(installed(self._settings.plugin_dir, self._settings.config_dir)))
        joins = [self._launch(plugin) for plugin in found]
        await asyncio.gather(*(joined.wait() for joined in joins))
        if path := self._settings.socket:
            try:
                self._server = await asyncio.start_unix_server(self._accept, sock=_bound(path))
            except OSError as error:
                raise FailedPrecondition(f"nri.socket {path!r} cannot be served: {error}") from error

    async def aclose(self) -> None:
        """Say farewell, and end what was started."""
        if self._server is not None:
            self._server.close()
            os.unlink(self._settings.socket)
        await asyncio.gather(*(plugin.shut_down(FAREWELL) for plugin in self.plugins))
        for plugin in self.plugins:
            plugin.drop("the daemon ends")
        await self._tasks.aclose()
        if self._server is not None:
            await self._server.wait_closed()

    def _launch(self, plugin: Installed) -> asyncio.Event:
        settled = asyncio.Event()

        async def run() -> None:
            process, ours = launch(plugin)
            try:
                stream = SocketStream(*await asyncio.open_unix_connection(sock=ours))
                await self._serve(stream, settled, plugin, process)
            finally:
                await _end(process)

        self._spawn(run, settled, f"NRI plugin {plugin.index}-{plugin.name}")
        return settled

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = SocketStream(reader, writer)
        if self._connections >= MOST_PLUGINS:
            log.error("a connection of an NRI plugin is refused: there are %d already", self._connections)
            stream.close()
            return
        settled = asyncio.Event()
        self._spawn(lambda: self._serve(stream, settled), settled, "NRI connection")

    def _spawn(self, work: Callable[[], Awaitable[None]], settled: asyncio.Event, name: str) -> None:
        async def run() -> None:
            self._connections += 1
            try:
                await work()
            except (OrlopError, OSError) as error:
                log.error("%s: %s", name, error)
            finally:
                self._connections -= 1
                settled.set()

        self._tasks.spawn(run(), name)

    async def _serve(
        self,
        stream: SocketStream,
        settled: asyncio.Event,
        launched: Installed | None = None,
        process: Process | None = None,
    ) -> None:
        """A plugin's whole stay: registration, synchronization, and the wait for its end."""
        registering = _Registering(self._update)
        connection = Connection(stream, registering.methods())
        plugin: Plugin | None = None
        try:
            plugin = await self._register(connection, registering, launched)
            plugin.process = process
            await self._join(plugin)
            settled.set()
            await connection.wait_closed()
            log.warning("NRI plugin %s is gone: %s", plugin.name, plugin.lost or "it closed the connection")
        finally:
            if plugin is not None:
                plugin.drop("its connection has ended")
                self.plugins = [each for each in self.plugins if each is not plugin]
            await connection.aclose()

    async def _register(self, connection: Connection, asked: "_Registering", launched: Installed | None) -> Plugin:
        settings = self._settings
        waits = [asyncio.ensure_future(wait()) for wait in (asked.wait, connection.wait_closed)]
        try:
            limit = settings.registration_timeout
            await asyncio.wait(waits, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        request = asked.request
        if request is None and connection.closed:
            raise Unavailable("it closed the connection before it registered")
        if request is None:
            raise TimedOut(f"no plugin registered within {limit:g} s")
        index, name = (launched.index, launched.name) if launched else (request.plugin_idx, request.plugin_name)
        asked.plugin = plugin = Plugin(index, name, connection, timeout=settings.request_timeout)
        await plugin.configure(
            ConfigureRequest(
                config=launched.config if launched else "",
                runtime_name="orlop",
                runtime_version=settings.runtime_version,
                registration_timeout=int(settings.registration_timeout * 1000),
                request_timeout=int(settings.request_timeout * 1000),
                NRI_version=PROTOCOL_VERSION,
            )
        )
        return plugin

    async def _join(self, plugin: Plugin) -> None:
        async with plugin.turn():
            # From here to the snapshot's first await nothing else runs.
            self.plugins = sorted([*self.plugins, plugin], key=lambda each: each.index)
            pods, containers = await self._snapshot()
            # It may take in a thousand containers, and whoever creates one waits: not the short limit of an event.
            answer = await plugin.synchronize(pods, containers, self._settings.registration_timeout)
        log.info(
            "NRI plugin %s has joined; it knows %d pods and %d containers", plugin.name, len(pods), len(containers)
        )
        await self._joined(plugin, answer)


class _Registering:
    """What a connection may call, before and after its registration."""

    def __init__(
        self, update: Callable[[Plugin, UpdateContainersRequest], Awaitable[UpdateContainersResponse]]
    ) -> None:
        self.request: RegisterPluginRequest | None = None
        self._came = asyncio.Event()
        self.plugin: Plugin | None = None
        self._update = update

    async def wait(self) -> None:
        """Wait for the registration."""
        await self._came.wait()

    def methods(self) -> dict[str, Callable[[bytes], Awaitable[bytes]]]:
        """By name, as the server wants them."""
        return {f"{SERVICE}/RegisterPlugin": self._register, f"{SERVICE}/UpdateContainers": self._update_containers}

    async def _register(self, payload: bytes) -> bytes:
        if self.request is not None:
            raise StatusError(Code.ALREADY_EXISTS, "this connection has registered a plugin already")
        try:
            self.request = RegisterPluginRequest.FromString(payload)
        except DecodeError as error:
            raise StatusError(Code.INVALID_ARGUMENT, str(error)) from error
        self._came.set()
        return Empty().SerializeToString()

    async def _update_containers(self, payload: bytes) -> bytes:
        if self.plugin is None:
            raise StatusError(Code.FAILED_PRECONDITION, "register first")
        try:
            request = UpdateContainersRequest.FromString(payload)
            return (await self._update(self.plugin, request)).SerializeToString()
        except (DecodeError, InvalidArgument) as error:
            raise StatusError(Code.INVALID_ARGUMENT, str(error)) from error
        except OrlopError as error:
            raise StatusError(Code.UNKNOWN, str(error)) from error


def _bound(path: str) -> socket.socket:
    """A socket at a path that a daemon which was killed may have left, for root alone from the first moment on."""
    # A directory that is there belongs to somebody, /run for instance: its mode stays.
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(bound.fileno(), 0o600)  # what bind(2) gives the file; no umask of a whole process is changed
        bound.bind(path)
        os.chmod(path, 0o600)
    except BaseException:
        bound.close()
        raise
    return bound


async def _end(process: Process) -> None:
    """A plugin ends when its connection does; one that does not is killed."""
    try:
        async with asyncio.timeout(FAREWELL):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        process.kill()
        await process.wait()
