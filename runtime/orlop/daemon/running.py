"""The daemon's life: take the pid file, build, listen, recover, serve, stop. Containers do not notice any of it."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable

from orlop import __version__
from orlop.api.answering import Answered, nobody
from orlop.api.gate import Gate
from orlop.api.server import CriServer
from orlop.api.servicers.table import VERBS
from orlop.config.errors import ConfigError
from orlop.config.loader import Loaded, load
from orlop.daemon import logs, reloading
from orlop.daemon.notify import Notifier
from orlop.daemon.pidfile import PidFile, path_in
from orlop.daemon.wiring import build_deck
from orlop.linux.files import ensure_dir
from orlop.model.errors import OrlopError
from orlop.services.deck import Deck
from orlop.services.exits import watch_exits
from orlop.services.garbage import run_garbage
from orlop.services.network_gc import run_network_gc
from orlop.services.recovery import recover

log = logging.getLogger(__name__)

STOP_GRACE = 2.0
"""Seconds that requests in progress get at the daemon's end; the kubelet asks again."""


def main(config_path: str | None = None, log_level: str = "") -> int:
    """Run the daemon in the foreground; returns its exit status."""
    config_path = os.path.abspath(config_path) if config_path else None
    try:
        loaded = load(config_path)
    except ConfigError as error:
        print(f"orlopd: the configuration cannot be used:\n{error}", file=sys.stderr)
        return 1
    logs.set_up(log_level or loaded.config.daemon.log_level, loaded.config.daemon.log_format)
    if os.geteuid() != 0:
        log.error("orlopd must run as root: it makes namespaces, mounts and cgroups")
        return 1
    os.chdir("/")  # keeps no filesystem busy that the starting shell stood in
    try:
        asyncio.run(_run(loaded, config_path))
    except (OrlopError, OSError) as error:
        log.error("%s", error, exc_info=None if isinstance(error, OrlopError) else error)
        return 1
    return 0


async def _run(loaded: Loaded, config_path: str | None) -> None:
    began = time.monotonic()
    config, notifier = loaded.config, Notifier()
    async with contextlib.AsyncExitStack() as at_end:
        ensure_dir(config.daemon.state_dir, 0o711)
        pid_file = PidFile(path_in(config.daemon.state_dir))
        pid_file.take()
        at_end.callback(pid_file.release)
        deck = await build_deck(config)
        at_end.push_async_callback(_close, deck)
        gate = Gate()
        answered = await _metrics(config.metrics.address, deck, at_end)
        server = CriServer(config.daemon.socket, VERBS, deck, gate, answered=answered)
        await server.start()
        at_end.push_async_callback(server.stop, STOP_GRACE)
        at_end.callback(deck.events.close)  # its streams last as long as the daemon, and would use up the grace
        await deck.shims.events.start()
        await deck.network.start()
        await recover(deck)
        await deck.plugins.start()
        _begin_background(deck, notifier)
        stopped = _on_signals(lambda: reloading.reload(loaded, config_path, notifier))
        gate.open()
        gc.freeze()  # what is here now stays: it need not be looked through again and again
        gc.enable()
        notifier.ready(f"serving {config.daemon.socket}")
        log.info(
            "orlopd %s serves %s after %.0f ms", __version__, config.daemon.socket, (time.monotonic() - began) * 1000
        )
        await stopped.wait()
        notifier.stopping()
        log.info("stopping; containers go on")


async def _metrics(address: str, deck: Deck, at_end: contextlib.AsyncExitStack) -> Answered:
    if not address:
        return nobody
    from orlop.daemon.metrics import Metrics  # late: a daemon without them does not pay for the library

    metrics = Metrics(deck)
    await metrics.start(address)
    at_end.push_async_callback(metrics.aclose)
    return metrics.answered


def _begin_background(deck: Deck, notifier: Notifier) -> None:
    deck.background.spawn(watch_exits(deck), "exits")
    deck.background.spawn(run_garbage(deck), "garbage")
    deck.background.spawn(run_network_gc(deck), "network garbage")
    deck.background.spawn(deck.images.collect(), "image garbage")
    deck.background.spawn(notifier.keep_alive(), "watchdog")


async def _close(deck: Deck) -> None:
    """End what runs in this process. What is left half done is found again at the next start."""
    await deck.streams.close()
    await deck.plugins.aclose()
    await deck.background.aclose()
    await deck.monitor_watch.aclose()
    await deck.shims.aclose()
    deck.exit_watch.close()
    await deck.network.close()
    await deck.images.aclose()
    deck.state.close()


def _on_signals(reload: Callable[[], None]) -> asyncio.Event:
    """The event is set at SIGTERM or SIGINT; SIGHUP reloads."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    return stopped
