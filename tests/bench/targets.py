"""What is measured: a CRI socket with a daemon behind it. Our own daemon and containerd are in files of their own."""

import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import grpc

from tests.harness.cri import Cri

if TYPE_CHECKING:
    from tests.bench.podcalls import Pod

START_TIMEOUT = 30.0


class Target:
    """A CRI runtime that is running, or that `__enter__` starts and `__exit__` ends."""

    restartable = False
    """Whether `kill` and `start` work."""
    fillable = True
    """Whether `fill` and `empty` work, for a restartable one."""
    variant = False
    """Another setting of a target that is measured too: only what the setting changes is measured."""
    directory: Path
    """Where a restartable one keeps its images and containers."""

    def __init__(self, name: str, path: str, image: str, handler: str) -> None:
        self.name, self.image, self.handler = name, image, handler
        self.cri = Cri(path)

    def start(self) -> None:
        """Start the daemon; it may not answer yet."""
        raise NotImplementedError

    def kill(self) -> None:
        """SIGKILL the daemon, and wait."""
        raise NotImplementedError

    def fill(self, pod: "Pod", count: int) -> None:
        """See to it that so many containers are on record, the pod's own included."""
        raise NotImplementedError

    def empty(self, pod: "Pod", count: int) -> None:
        """Undo `fill`."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cri.close()

    def ready(self) -> None:
        """Wait until the runtime and its network are ready, and have the image."""
        deadline = time.monotonic() + START_TIMEOUT
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} at {self.cri.socket} is not ready after {START_TIMEOUT:.0f} s")
            time.sleep(0.05)
        if not self.cri("ImageStatus", image={"image": self.image}).HasField("image"):
            self.cri("PullImage", image={"image": self.image})

    def _is_ready(self) -> bool:
        if not self.listens():
            return False
        try:
            conditions = self.cri("Status", deadline=5).status.conditions
        except grpc.RpcError:
            self.cri.close()
            return False
        return bool(conditions) and all(
            condition.status for condition in conditions if condition.type in ("RuntimeReady", "NetworkReady")
        )

    def listens(self) -> bool:
        """Whether somebody listens on the socket. It is asked first: gRPC waits a second after a refused connection."""
        with _connected(self.cri.socket) as connection:
            return connection is not None

    @property
    def pid(self) -> int:
        """The daemon's process: whoever listens on the socket (unix(7), SO_PEERCRED)."""
        with _connected(self.cri.socket) as connection:
            if connection is None:
                raise ConnectionError(f"nobody listens on {self.cri.socket}")
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid: int = struct.unpack("3i", credentials)[0]
        return pid

    def version(self) -> str:
        """The runtime's own words."""
        answer = self.cri("Version")
        return f"{answer.runtime_name} {answer.runtime_version}, handler {self.handler or '(default)'}"


class External(Target):
    """A runtime that somebody else runs."""


@contextlib.contextmanager
def _connected(path: str) -> Iterator[socket.socket | None]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        yield connection if connection.connect_ex(path) == 0 else None


def processes_naming(ids: set[str]) -> list[int]:
    """Processes whose command line holds one of the ids: conmon and the shims are started with their pod's or
    container's id."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            with contextlib.suppress(OSError):
                words = Path("/proc", entry, "cmdline").read_bytes().decode(errors="replace").split("\0")
                if ids.intersection(words):
                    found.append(int(entry))
    return found


def in_turns(targets: list[Target], rounds: int) -> Iterator[Target]:
    """Each target once a round, another one first every time."""
    for number in range(rounds):
        shift = number % len(targets)
        yield from targets[shift:] + targets[:shift]
