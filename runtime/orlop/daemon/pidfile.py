"""The pid file: who holds its lock is the daemon. The lock and not the number says whether one runs."""

import fcntl
import os

from orlop.model.errors import AlreadyExists


def path_in(state_dir: str) -> str:
    """Where it is."""
    return os.path.join(state_dir, "orlopd.pid")


class PidFile:
    """Held from `take` to the end of the process, whatever ends it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = -1

    def take(self) -> None:
        """Lock the file and write our pid. Raises AlreadyExists where a daemon holds it."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(fd)
            other = running(self.path)
            raise AlreadyExists(f"another daemon (pid {other}) holds {self.path}: stop it first") from error
        os.truncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd

    def release(self) -> None:
        """Let another daemon take it. The file stays: removing it would race with one that has just opened it."""
        if self._fd >= 0:
            os.truncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1


def running(path: str) -> int | None:
    """The pid of the daemon that holds the file; None where none does."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(fd, 32).decode(errors="replace").strip()
        return int(text) if text.isdecimal() else None
    finally:
        os.close(fd)
    return None
