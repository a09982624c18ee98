"""The network that new pods are attached to: read at start, read again at each change, and whether it is ready."""

import asyncio
import logging
import os
from dataclasses import dataclass

from orlop.aio.tasks import Background
from orlop.aio.threads import offload
from orlop.engine.cni.conflist import NetworkConfig
from orlop.engine.cni.directory import Scan, scan
from orlop.engine.cni.failures import NetworkNotReady
from orlop.engine.cni.following import follow
from orlop.engine.cni.health import Health
from orlop.engine.cni.plugin import Plugins
from orlop.engine.cni.versions import Versions

log = logging.getLogger(__name__)

NOT_READY = "NetworkPluginNotReady"
"""The reason that kubelets know."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The NetworkReady condition of the CRI."""

    ready: bool
    reason: str = ""
    message: str = ""


class CurrentNetwork:
    """Follows the configuration directory."""

    def __init__(self, directory: str, wanted: str, plugins: Plugins) -> None:
        self._directory = os.path.normpath(directory)
        self._wanted = wanted
        self._plugins = plugins
        self.versions = Versions(plugins)
        self._scan = Scan(missing=f"{self._directory} has not been read yet")
        self._config: NetworkConfig | None = None
        self._changed = asyncio.Event()
        self._background = Background()
        self._health_task: asyncio.Task[None] | None = None
        self._followed: dict[str, asyncio.Task[None]] = {}
        self.health = Health(plugins)

    async def start(self) -> None:
        """Read the directory now and at each change from now on."""
        await self._reload()
        self._background.spawn(follow(self._directory, self._changed.set), f"follow {self._directory}")
        self._background.spawn(self._reload_when_changed(), f"reload {self._directory}")

    async def close(self) -> None:
        """Stop following."""
        await self._background.aclose()

    def require(self) -> NetworkConfig:
        """The network for a new pod. Raises NetworkNotReady when there is none."""
        if self._config is None:
            raise NetworkNotReady(self.readiness().message)
        return self._config

    def named(self, name: str) -> NetworkConfig | None:
        """A network by its name, whether or not it is the one for new pods."""
        if self._config is not None and self._config.name == name:
            return self._config
        return self._scan.named(name)

    @property
    def config(self) -> NetworkConfig | None:
        """The network in use, None while there is none."""
        return self._config

    def readiness(self) -> Readiness:
        """Whether pods can be attached now. Cheap: the plugins' files are looked for, nothing is run."""
        problems = list(self._scan.problems)
        if self._config is None:
            return Readiness(False, NOT_READY, "; ".join([self._scan.missing, *problems]))
        missing = self._plugins.missing(self._config)
        if missing:
            problems.insert(0, str(self._plugins.not_found(missing, self._config.name)))
        elif self.health.complaint:
            problems.insert(0, self.health.complaint)
        else:
            return Readiness(True, "", "; ".join(problems))
        return Readiness(False, NOT_READY, "; ".join(problems))

    async def _reload_when_changed(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._reload()

    async def _reload(self) -> None:
        before = self._scan
        self._scan = await offload(scan, self._directory, self._wanted, before)
        for problem in self._scan.problems:
            if problem not in before.problems:
                log.warning("%s", problem)
        self._follow(self._scan.places)
        chosen = self._scan.network
        if chosen is not before.network or self._config is None:
            await self._adopt(chosen)

    def _follow(self, places: tuple[str, ...]) -> None:
        """Follow the directories of more plugins; where one comes or goes the directory itself has changed."""
        for gone in self._followed.keys() - set(places):
            self._followed.pop(gone).cancel()
        for place in places:
            if place not in self._followed:
                self._followed[place] = self._background.spawn(follow(place, self._changed.set), f"follow {place}")

    async def _adopt(self, chosen: NetworkConfig | None) -> None:
        self._config = await self.versions.settle(chosen) if chosen else None
        if self._health_task is not None:
            self._health_task.cancel()
            self._health_task = None
        if self._config is None:
            log.warning("pod network: %s", self._scan.missing)
            return
        log.info("pod network is %r from %s, CNI %s", self._config.name, self._config.path, self._config.cni_version)
        if self.health.begin(self._config):
            self._health_task = self._background.spawn(
                self.health.watch(self._config), f"STATUS of {self._config.name}"
            )
