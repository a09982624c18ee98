"""A node's network on Debian's plugins, and pods in it: namespaces as the daemon makes them, without the daemon."""

import os
import shutil
import socket
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from orlop.aio.process import run
from orlop.aio.threads import offload
from orlop.engine.cni.attachment import Attachment
from orlop.engine.cni.network import Network
from orlop.engine.cni.result import CniResult
from orlop.engine.sandbox.namespaces import Namespaces
from orlop.linux.namespaces import run_in_netns
from orlop.model.pod import PodSandboxConfig
from tests.harness.network import PLUGIN_DIR
from tests.harness.network import Network as Node

_numbers = count(40)


class Cluster:
    """Pods of one node, by short names."""

    def __init__(self, path: Path, plugin_dir: str = PLUGIN_DIR) -> None:
        self.node = Node(path / "network", next(_numbers))
        self.more_plugins = path / "bin"
        self.more_plugins.mkdir()
        self.plugin_dirs = [str(self.more_plugins), plugin_dir]
        self.namespaces = Namespaces(str(path / "state"))
        self.network = self.new_network()
        self._pods: list[str] = []

    def new_network(self, **options: Any) -> Network:
        """Another daemon's view of the same node."""
        return Network(
            conf_dir=str(self.node.conf_dir),
            plugin_dirs=self.plugin_dirs,
            cache_dir=str(self.node.cache_dir),
            **options,
        )

    async def restart(self, **options: Any) -> None:
        """A new daemon in place of the old one, with the configuration that is there now."""
        await self.network.close()
        self.network = self.new_network(**options)
        await self.network.start()

    async def pod(self, name: str, **more: Any) -> Attachment:
        """A pod with namespaces, not attached yet."""
        pinned = await self.namespaces.create(name, PodSandboxConfig(hostname=name))
        self._pods.append(name)
        pod = Attachment(pod_id=name, namespace="web", name=name, uid=f"uid-{name}", netns=pinned.net)
        return replace(pod, **more)

    async def attached(self, name: str, **more: Any) -> tuple[Attachment, CniResult]:
        """A pod in the network."""
        pod = await self.pod(name, **more)
        return pod, await self.network.add(pod)

    async def end(self) -> None:
        """Take away every pod, whatever the test has done to it."""
        for name in self._pods:
            await self.namespaces.remove(name)
        await self.network.close()
        await offload(self.node.remove)

    def records(self) -> list[str]:
        """Names of the files in the result cache."""
        results = self.node.cache_dir / "results"
        return sorted(os.listdir(results)) if results.exists() else []

    async def left(self, pod: Attachment) -> list[str]:
        """What a pod has left on the node: leases, records, rules that carry its name."""
        rules = (await run(["nft", "-s", "list", "ruleset"])).stdout.decode()
        return [*self.node.leases(), *self.records(), *(line for line in rules.splitlines() if pod.pod_id in line)]


def reaches(netns: str, address: str, port: int, *, seconds: float = 2.0) -> bool:
    """Whether a TCP connection from a pod (or the node: "") is accepted."""

    def connect() -> bool:
        try:
            socket.create_connection((address, port), timeout=seconds).close()
        except OSError:
            return False
        return True

    return run_in_netns(netns, connect) if netns else connect()


def install(cluster: Cluster, name: str, shell: str) -> None:
    """A plugin of our own beside Debian's."""
    path = cluster.more_plugins / name
    path.write_text(f"#!/bin/sh\n{shell}\n")
    path.chmod(0o755)


def copy_plugin(cluster: Cluster, name: str) -> Path:
    """One of Debian's plugins as a file that a test may take away."""
    return Path(shutil.copy2(f"{PLUGIN_DIR}/{name}", cluster.more_plugins / name))
