"""A node with NRI on, and the plugins of a test on it."""

import tomllib
from typing import Any

from tests.harness.node import Node
from tests.harness.pods import Pods, eventually
from tests.parts.nri_plugin import NriPlugin, Told


class NriNode:
    """A node with NRI, and the plugins of a test."""

    def __init__(self, node: Node, image: str) -> None:
        self.node = node
        self.socket = node.base / "nri.sock"
        self.plugins = node.base / "plugins"
        self.config = node.base / "conf.d"
        self.cdi = node.base / "cdi"
        self.pods = Pods(node.cri, image, node.logs)
        self.running: list[NriPlugin] = []
        self._registries = tomllib.loads(node.config_file.read_text())["registries"]
        self._launched = 0
        for directory in (self.plugins, self.config, self.cdi):
            directory.mkdir()

    def configure(self, **changes: object) -> None:
        """Write the configuration, with changes to [nri]."""
        base = {"enabled": True, "socket": str(self.socket), "plugin_dir": str(self.plugins)}
        nri = {**base, "config_dir": str(self.config), **changes}
        container = {"cdi_dirs": [str(self.cdi)]}
        self.node.configure({"registries": self._registries, "nri": nri, "container": container})

    def restart(self, *, hard: bool = False) -> None:
        """Restart the daemon, and wait until plugins may connect."""
        self.node.restart(hard=hard)
        self.node.cri("ListPodSandbox")

    def launch(self, name: str = "test", **options: Any) -> NriPlugin:
        """A plugin that connects."""
        self._launched += 1
        plugin = NriPlugin(self.socket, self.node.base / f"told{self._launched}", name=name, **options)
        self.running.append(plugin)
        return plugin

    def plugin(self, name: str = "test", **options: Any) -> NriPlugin:
        """A plugin that has joined."""
        return self.launch(name, **options).joined()

    def cleared(self) -> None:
        """No pods, no plugins."""
        self.pods.remove_all()
        for plugin in self.running:
            self.close(plugin)
        self.running.clear()

    def close(self, plugin: NriPlugin) -> None:
        """End a plugin, and wait until the daemon has noticed."""
        name = f"{plugin.index}-{plugin.name}"
        before = self.node.log().count(f"{name} is gone")
        there = plugin.process.poll() is None and bool(plugin.told("Synchronize"))
        plugin.close()
        if there:
            eventually(lambda: self.node.log().count(f"{name} is gone") > before, seconds=30)


def started(node: Node, image: str) -> NriNode:
    nri = NriNode(node, image)
    nri.configure(registration_timeout=30.0, request_timeout=10.0)
    node.start()
    node.cri("PullImage", image={"image": image})
    # The first pod makes what plugins keep for good.
    nri.pods.run()
    nri.pods.remove_all()
    return nri


def names(told: list[Told]) -> list[str]:
    """Without what only validating plugins are for, and what this one gets since it subscribes to everything."""
    return [each.event for each in told if each.event != "ValidateContainerAdjustment"]
