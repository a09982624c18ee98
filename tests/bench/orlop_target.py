"""Our own daemon as a target: the tests' node, with the log level of production."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from orlop.engine.state.table import State
from tests.bench.conflists import with_nftables
from tests.bench.podcalls import Pod
from tests.bench.restarts import until_running
from tests.bench.targets import Target
from tests.harness.network import PLUGIN_DIR
from tests.harness.node import Node
from tests.harness.toml import merged
from tests.parts.registry import Registry

PACKED = "orlop packed"
"""The target that is measured for its pulls alone."""


class OrlopTarget(Target):
    """orlopd, started privately."""

    restartable = True

    def __init__(
        self,
        image: str,
        handler: str,
        registry: Registry,
        *,
        name: str = "orlop",
        plugins: str = PLUGIN_DIR,
        nftables: bool = False,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """`config` is laid over the tests' configuration."""
        common = {
            "registries": {registry.host: {"plain_http": True}},
            "daemon": {"log_level": "info"},
            "network": {"plugin_dirs": [plugins]},
        }
        self.node = Node(merged(common, config or {}))
        if nftables:
            with_nftables(self.node.network)
        super().__init__(name, str(self.node.socket), image, handler)
        self.directory = self.node.root_dir
        self.variant = name != "orlop"

    def __enter__(self) -> Self:
        self.node.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.node.__exit__(kind, error, trace)

    def start(self) -> None:
        """Start it without waiting."""
        self.node.launch()

    def kill(self) -> None:
        """SIGKILL."""
        self.cri.close()
        self.node.kill()

    def fill(self, pod: Pod, count: int) -> None:
        """Copies of the pod and its container on record; they share its processes, cgroup and namespaces."""
        self.kill()
        state = State(self._database)
        sandbox, container = state.pods.get(pod.id), state.containers.get(pod.container_id)
        for number in range(1, count):
            pod_id, container_id = f"{number:064x}", f"{number + count:064x}"
            config = msgspec.structs.replace(
                sandbox.record.config,
                metadata=msgspec.structs.replace(sandbox.record.config.metadata, uid=pod_id, name=f"copy{number}"),
            )
            state.pods.insert(pod_id, msgspec.structs.replace(sandbox.record, id=pod_id, config=config), sandbox.status)
            copy = msgspec.structs.replace(container.record, id=container_id, pod_id=pod_id)
            state.containers.insert(container_id, copy, container.status)
            (self._writable / container_id / "upper").mkdir(parents=True)
        state.close()
        self.start()
        until_running(self, count)

    def empty(self, pod: Pod, count: int) -> None:
        """Forget the copies."""
        self.kill()
        state = State(self._database)
        for entry in state.containers:
            if entry.record.id != pod.container_id:
                state.containers.delete(entry.record.id)
                shutil.rmtree(self._writable / entry.record.id)
        for sandbox in state.pods:
            if sandbox.record.id != pod.id:
                state.pods.delete(sandbox.record.id)
        state.close()
        self.start()
        until_running(self, 1)

    @property
    def _writable(self) -> Path:
        return self.node.root_dir / "containers"

    @property
    def _database(self) -> str:
        return os.path.join(self.node.state_dir, "state.db")
