"""The init of a node under test: starts the daemon, adopts what the daemon's death orphans, and reaps it.

conmon outlives a killed daemon by design; on a node PID 1 becomes its parent. Test machines' PID 1 may reap late or
never, so each node under test has this process. It speaks JSON lines: a request {"argv", "env", "log"} is answered by
{"pid"}; the end of a started process is told as {"ended", "status"}. When its input closes, it kills all that is left
below it and ends.
"""

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Serve requests from standard input until it closes."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    started: set[int] = set()
    woken = _wake_on_sigchld()
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        rest = b""
        while True:
            ready = {key.fd for key, _ in selector.select()}
            if 0 in ready:
                chunk = os.read(0, 65536)
                if not chunk:
                    break
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    started.add(_start(json.loads(line)))
            if woken.fileno() in ready:
                woken.recv(4096)
            _reap(started)
    _end_all()


def _wake_on_sigchld() -> socket.socket:
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    os.set_blocking(writer.fileno(), False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer.detach())
    return reader


def _start(request: dict[str, Any]) -> int:
    with open(request["log"], "ab") as log:
        process = subprocess.Popen(
            request["argv"],
            env=request["env"],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    process.returncode = 0  # reaped by _reap, not by Popen
    _say({"pid": process.pid})
    return process.pid


def _reap(started: set[int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] in started:
                started.discard(ended[0])
                _say({"ended": ended[0], "status": os.waitstatus_to_exitcode(ended[1])})


def _say(message: dict[str, int]) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def _end_all() -> None:
    # The dead's children become ours, so this ends when the whole tree has.
    while children := Path("/proc/self/task", str(os.getpid()), "children").read_text().split():
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


if __name__ == "__main__":
    main()
