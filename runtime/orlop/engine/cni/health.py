"""Asking a network's plugins for their STATUS (CNI 1.1), off the path of requests. Older networks are always well."""

import asyncio

from orlop.engine.cni import chain
from orlop.engine.cni.conflist import GC_SINCE, NetworkConfig
from orlop.engine.cni.failures import PluginError
from orlop.engine.cni.plugin import Plugins

_TIME_LIMIT = 60.0
"""Seconds. Cilium's plugin gives its agent 30 before it says that it is down."""
_WELL_PAUSE = 30.0
"""Seconds until a network that was well is asked again; the specification has no way to be told."""
_ILL_PAUSES = (0.5, 1.0, 2.0, 5.0)
"""Seconds between questions until it is well; the last one repeats."""


class Health:
    """The last answer of one network's plugins."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self.complaint = ""
        """The plugin's own words, or that it has not answered yet; empty: well."""

    def ask_now(self) -> None:
        """Do not wait for the next round: an ADD has just failed."""
        self._wake.set()

    def begin(self, config: NetworkConfig) -> bool:
        """Forget the last network. Whether this one must be watched."""
        asked = config.at_least(GC_SINCE)
        if asked:
            self._answered.clear()
        else:
            self._answered.set()
        self.complaint = f"network {config.name!r}: its plugins have not answered STATUS yet" if asked else ""
        return asked

    async def watch(self, config: NetworkConfig) -> None:
        """Keep `complaint` true for this network, until cancelled."""
        failures = 0
        while True:
            self._wake.clear()
            try:
                await chain.status(self._plugins, config, _TIME_LIMIT)
                self.complaint, failures = "", 0
            except PluginError as error:
                self.complaint = str(error)
                failures += 1
            self._answered.set()
            await self._pause(_ILL_PAUSES[min(failures, len(_ILL_PAUSES)) - 1] if failures else _WELL_PAUSE)

    async def answered(self, limit: float) -> None:
        """Until the plugins have answered once, or `limit` seconds have passed."""
        try:
            async with asyncio.timeout(limit):
                await self._answered.wait()
        except TimeoutError:
            pass  # `complaint` says so

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass  # nobody was in a hurry
