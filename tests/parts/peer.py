"""Another CRI runtime in orlop's place, for the behaviour suite: what passes there too is no invention of ours.

It lives in the run's own namespaces, as orlop's daemon does; tests.harness.foreign says which one it is.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.containerd import Containerd
from tests.bench.crio import Crio
from tests.bench.targets import Target
from tests.harness.foreign import PEER
from tests.parts.registry import Registry


@contextmanager
def running(image: str, registry: Registry) -> Iterator[Target]:
    """The peer that ORLOP_TEST_PEER names, ready and with the image."""
    name, _, binary = PEER.partition("=")
    base = Path(tempfile.mkdtemp(prefix="op-", dir="/tmp"))
    try:
        with _target(name, binary, base, image, registry) as target:
            target.ready()
            yield target
    finally:
        shutil.rmtree(base, ignore_errors=True)  # its own leftovers are not ours to judge


def _target(name: str, binary: str, base: Path, image: str, registry: Registry) -> Target:
    match name:
        case "containerd":
            return Containerd(base, image, "", registry, binary=binary or "containerd")
        case "crio":
            return Crio(base, image, "", registry, binary=binary or "crio", events=True)
        case _:
            raise ValueError(f"ORLOP_TEST_PEER={PEER}: containerd or crio, with =/path/of/binary or without")
