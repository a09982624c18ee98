"""Which version of the specification a network is spoken to in, where its file leaves a choice (cniVersions)."""

import logging
import os

from orlop.engine.cni.conflist import NetworkConfig
from orlop.engine.cni.failures import PluginError
from orlop.engine.cni.plugin import Plugins
from orlop.engine.cni.request import Command
from orlop.engine.cni.result import BadOutput, parse_versions

log = logging.getLogger(__name__)

_TIME_LIMIT = 10.0


class Versions:
    """Asks plugins once which versions they support, and again when their binaries change."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self._known: dict[tuple[str | None, int, int], frozenset[str]] = {}

    async def settle(self, config: NetworkConfig) -> NetworkConfig:
        """The network in the newest version that all its plugins support.

        Where they cannot be asked, or agree on none, it stays in the file's newest one: ADD then says what is wrong.
        """
        if len(config.candidates) == 1:
            return config
        common = set(config.candidates)
        for plugin in config.plugins:
            supported = await self._supported(plugin.type, config)
            common &= supported if supported else common
        usable = [version for version in config.candidates if version in common]
        return config.with_version(usable[-1]) if usable else config

    async def _supported(self, kind: str, config: NetworkConfig) -> frozenset[str]:
        path = self._plugins.find(kind)
        try:
            info = os.stat(path or "")
        except OSError:  # not installed (yet), or just being replaced
            return frozenset()
        key = (path, info.st_ino, info.st_mtime_ns)
        if key not in self._known:
            self._known[key] = await self._ask(kind, config)
        return self._known[key]

    async def _ask(self, kind: str, config: NetworkConfig) -> frozenset[str]:
        stdin = b'{"cniVersion":"%s"}' % config.candidates[0].encode()
        try:
            output = await self._plugins.call(
                Command.VERSION, kind, stdin, network=config.name, variables={}, timeout=_TIME_LIMIT
            )
            return frozenset(parse_versions(output))
        except (PluginError, BadOutput) as error:
            log.warning("cannot learn which CNI versions plugin %s supports: %s", kind, error)
            return frozenset()
