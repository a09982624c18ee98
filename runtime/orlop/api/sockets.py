"""Unix sockets as files: is one served, and may its path be taken. Knows no gRPC, so that commands may ask cheaply."""

import os
import socket
import stat

from orlop.model.errors import AlreadyExists, FailedPrecondition


def claim(path: str) -> None:
    """Make the path free for a socket: remove one that nobody serves. Raises where it is served, or is no socket."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FailedPrecondition(f"{path} exists and is not a socket: remove it, or set daemon.socket to another path")
    if answers(path):
        raise AlreadyExists(
            f"another process serves {path}: stop it first (orlop daemon stop), or set daemon.socket to another path"
        )
    os.unlink(path)


def answers(path: str) -> bool:
    """Whether a process listens on a unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except TimeoutError:
            return True  # its backlog is full, so somebody is there
        return True
