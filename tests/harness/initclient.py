"""The init process of a node under test (tests.harness.init), seen from pytest."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path


class Init:
    """Starts processes below an init of their own, and tells how they ended."""

    def __init__(self) -> None:
        argv = [sys.executable, str(Path(__file__).with_name("init.py"))]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        os.set_blocking(self._answers.fileno(), False)
        self._rest = b""
        self._pids: list[int] = []
        self._ended: dict[int, int] = {}

    def start(self, argv: list[str], env: Mapping[str, str], log: Path) -> int:
        """Start a process whose output is appended to the log; returns its id."""
        request = {"argv": argv, "env": dict(env), "log": str(log)}
        self._requests.write(json.dumps(request).encode() + b"\n")
        deadline = time.monotonic() + 10
        while not self._pids:
            assert time.monotonic() < deadline, "the node's init does not answer"
            time.sleep(0.002)
            self._read()
        return self._pids.pop()

    def ended(self, pid: int) -> int | None:
        """Exit code of a started process (negative: the signal), None while it runs."""
        self._read()
        return self._ended.get(pid)

    def wait(self, pid: int, seconds: float) -> int:
        """Wait for a started process; returns its exit code."""
        deadline = time.monotonic() + seconds
        while (status := self.ended(pid)) is None:
            assert time.monotonic() < deadline, f"process {pid} does not end within {seconds} s"
            time.sleep(0.005)
        return status

    def close(self) -> None:
        """Kill everything below, however deep, and the init itself."""
        self._requests.close()
        self._process.wait(timeout=10)
        self._answers.close()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._answers.fileno(), 65536):
                self._rest += chunk
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "pid" in message:
                self._pids.append(message["pid"])
            else:
                self._ended[message["ended"]] = message["status"]
