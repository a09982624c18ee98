"""Our own daemon as a target: the tests' node, with the log level of production."""

from types import TracebackType
from typing import Self

from tests.bench.targets import Target
from tests.harness.node import Node
from tests.parts.registry import Registry


class OrlopTarget(Target):
    """orlopd, started privately."""

    restartable = True

    def __init__(self, image: str, handler: str, registry: Registry) -> None:
        quiet = {"daemon": {"log_level": "info"}}
        self.node = Node({"registries": {registry.host: {"plain_http": True}}, **quiet})
        super().__init__("orlop", str(self.node.socket), image, handler)

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
