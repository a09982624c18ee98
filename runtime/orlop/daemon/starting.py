"""Starts, stops and finds the daemon where no service manager does. Imports nothing of the engine: commands use it."""

import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from orlop.config.schema import Config
from orlop.daemon.pidfile import path_in, running
from orlop.model.errors import OrlopError, TimedOut

LOG_LIMIT = 16 << 20
"""Bytes of the log file beyond which it is set aside at the next start."""
TAIL = 20
"""Lines of the log that a failed start shows."""


def log_path(config: Config) -> str:
    """Where a daemon that was started here logs."""
    return os.path.join(config.daemon.root_dir, "orlopd.log")


def pid_of(config: Config) -> int | None:
    """The running daemon's pid; None where none runs."""
    return running(path_in(config.daemon.state_dir))


@dataclass(frozen=True, slots=True)
class Started:
    """What `start` found or did."""

    pid: int
    changed: bool
    """False where it ran already."""
    seconds: float


def start(config: Config, config_path: str | None, *, time_limit: float = 60.0) -> Started:
    """Start the daemon in the background and wait until it serves. Raises with its log's last lines if it does not."""
    began = time.monotonic()
    pid = pid_of(config)
    if pid is not None:
        return Started(pid, False, 0.0)
    argv = [sys.executable, "-m", "orlop.cli", "daemon", "run"]
    if config_path:
        argv += ["--config", os.path.abspath(config_path)]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        # In the abstract namespace: nothing is left behind, whatever happens.
        address = f"orlop-start-{os.getpid()}-{secrets.token_hex(8)}"
        ready.bind(f"\0{address}")
        process, log_from = _spawn(config, argv, f"@{address}")
        if not _is_ready(ready, process, began + time_limit):
            raise _failure(config, process, log_from, time_limit)
    process.returncode = 0  # it lives on: the interpreter must not warn about a child that it leaves
    return Started(process.pid, True, time.monotonic() - began)


def _spawn(config: Config, argv: Sequence[str], address: str) -> tuple["subprocess.Popen[bytes]", int]:
    path = log_path(config)
    os.makedirs(os.path.dirname(path), mode=0o711, exist_ok=True)
    if os.path.exists(path) and os.path.getsize(path) > LOG_LIMIT:
        os.replace(path, f"{path}.1")
    with open(path, "ab") as log:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "NOTIFY_SOCKET": address},
            start_new_session=True,
        )
        return process, log.tell()


def _is_ready(ready: socket.socket, process: "subprocess.Popen[bytes]", deadline: float) -> bool:
    """Wait for READY=1, for the process's end, or for the deadline."""
    pidfd = os.pidfd_open(process.pid)
    try:
        while (left := deadline - time.monotonic()) > 0:
            found, _, _ = select.select([ready.fileno(), pidfd], [], [], left)
            if ready.fileno() in found and b"READY=1" in ready.recv(4096).split(b"\n"):
                return True
            if found == [pidfd]:
                return False
    finally:
        os.close(pidfd)
    return False


def _failure(config: Config, process: "subprocess.Popen[bytes]", log_from: int, time_limit: float) -> OrlopError:
    ended = process.poll()
    kind: type[OrlopError] = OrlopError
    told = f"ended at once with status {ended}"
    if ended is None:
        process.kill()
        process.wait()
        kind, told = TimedOut, f"did not serve within {time_limit:g} s and was killed"
    with open(log_path(config), "rb") as log:
        log.seek(log_from)
        lines = log.read().decode(errors="replace").splitlines()[-TAIL:]
    return kind("\n".join([f"the daemon {told}; its log {log_path(config)} ends with:", *lines]))


def stop(config: Config, *, time_limit: float = 15.0) -> bool:
    """Stop the daemon, and wait for its end; containers go on. False where none ran."""
    pid = pid_of(config)
    if pid is None:
        return False
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if pid_of(config) != pid:  # ended between the two looks, and the number may be another's
            return False
        # SIGKILL is no harm: the daemon recovers from it as from any other end.
        for number in (signal.SIGTERM, signal.SIGKILL):
            signal.pidfd_send_signal(pidfd, number)
            if select.select([pidfd], [], [], time_limit)[0]:
                return True
        raise TimedOut(f"the daemon (pid {pid}) does not end, not even by SIGKILL: it waits for the kernel")
    finally:
        os.close(pidfd)
