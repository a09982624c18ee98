"""The fifos between a shim and us: made before the shim hears of them, opened so that neither side ever waits.

Their names are in the bundle, so that the next life of the daemon finds them. The shim holds both ends of each (runc's
does): what a container writes while no daemon is there waits in the fifo.
"""

import os
from dataclasses import dataclass, field

from orlop.aio.descriptors import Reader
from orlop.aio.duplex import OutputName
from orlop.engine.shim.task import Streams

OUTPUTS: tuple[OutputName, ...] = ("stdout", "stderr")


@dataclass(kw_only=True)
class Fifos:
    """Our ends for one process."""

    directory: str
    streams: Streams
    stdin: int = -1
    readers: dict[OutputName, Reader] = field(default_factory=dict)
    _fds: list[int] = field(default_factory=list)

    @classmethod
    def open(
        cls, directory: str, *, stdin: bool = False, outputs: tuple[OutputName, ...] = OUTPUTS, terminal: bool = False
    ) -> "Fifos":
        """Make what is missing, and open our ends. A terminal has no stderr. Raises OSError; then nothing is open."""
        wanted = [name for name in outputs if not (terminal and name == "stderr")]
        paths = {name: os.path.join(directory, name) for name in (*wanted, *(("stdin",) if stdin else ()))}
        fifos = cls(directory=directory, streams=Streams(terminal=terminal, **paths))
        try:
            for path in paths.values():
                _make(path)
            for name in wanted:
                fd = _open(paths[name], os.O_RDONLY)
                fifos._fds.append(fd)
                fifos.readers[name] = Reader(fd)
            if stdin:
                # With O_WRONLY alone the open would fail until the shim has come.
                fifos.stdin = _open(paths["stdin"], os.O_RDWR)
        except BaseException:
            fifos.close()
            raise
        return fifos

    def close_stdin(self) -> None:
        """Let go of our end of the input. Again is fine."""
        if self.stdin >= 0:
            os.close(self.stdin)
        self.stdin = -1

    def close(self) -> None:
        """Let go of all ends. Nobody may be reading."""
        self.close_stdin()
        for fd in self._fds:
            os.close(fd)
        self._fds.clear()
        self.readers.clear()


def _make(path: str) -> None:
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        pass  # from the daemon's last life


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
