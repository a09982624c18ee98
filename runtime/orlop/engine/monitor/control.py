"""Talking to a running conmon: its control fifo and its attach socket."""


async def reopen_log(bundle: str, log_path: str, *, timeout: float = 10.0) -> None:
    """Have the log file opened anew (after it was renamed) and wait for it. Raises FailedPrecondition if conmon is gone."""
    raise NotImplementedError


def resize_terminal(bundle: str, *, width: int, height: int) -> None:
    """Set the size of the container's terminal."""
    raise NotImplementedError


def attach_socket(socket_dir: str, container_id: str) -> str:
    """Path of the container's attach socket (SOCK_SEQPACKET)."""
    raise NotImplementedError
