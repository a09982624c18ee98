"""Counting what real processes hold."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from orlop.linux.process_figures import ProcessFigures, open_files_limit, process_figures

PROGRAM = """
import resource, socket, sys, threading
resource.setrlimit(resource.RLIMIT_NOFILE, (123, 456))
held = [socket.socketpair(), open("/dev/null")]
threading.Thread(target=sys.stdin.read, daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
"""


def test_a_processs_threads_files_and_sockets() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        # Three standard streams, a pair of sockets, and a file.
        assert process_figures([process.pid, 1 << 30]) == ProcessFigures(1, 2, 6, 2) or _stderr_is_a_socket()
        assert open_files_limit(process.pid) == 123
        process.kill()


def _stderr_is_a_socket() -> bool:
    return os.readlink("/proc/self/fd/2").startswith("socket:")


def test_the_sum_of_none() -> None:
    assert process_figures([]) == ProcessFigures()
    assert open_files_limit(1 << 30) is None


def test_our_own() -> None:
    before = process_figures([os.getpid()])
    with socket.socket(), Path("/dev/null").open():
        event = threading.Event()
        thread = threading.Thread(target=event.wait)
        thread.start()
        now = process_figures([os.getpid()])
        event.set()
        thread.join()
    assert (now.threads - before.threads, now.descriptors - before.descriptors) == (1, 2)
    assert now.sockets - before.sockets == 1
