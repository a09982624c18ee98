"""Bytes through exec and port-forward, there and back at once, with crictl as everybody's client.

What comes back is compared by its digest; the rate is that of one direction.
"""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.counts import Counts
from tests.bench.podcalls import Pod
from tests.bench.results import Results
from tests.bench.targets import Target, in_turns
from tests.parts.flood import blocks, there_and_back, told
from tests.parts.tools import BIN

CRICTL = BIN / "crictl"
"""Built by test.sh; without it this part is left out."""
PORT = 8080
PLENTY = {"cpu_period": 100_000, "cpu_quota": 100_000 * (os.cpu_count() or 1)}
LIMIT = 60.0
"""Seconds until crictl says where it listens."""


def measure(targets: list[Target], counts: Counts, results: Results) -> None:
    """Targets take turns; each session has a pod of its own."""
    mib = counts.transfer_mib
    for turn in in_turns(targets, counts.transfer_rounds if CRICTL.exists() else 0):
        pod = Pod(turn)
        pod.up()
        pod.settled()
        # The pod's own CPU limit would be what is measured.
        turn.cri("UpdateContainerResources", container_id=pod.container_id, linux=PLENTY)
        for name, session in (("exec", _exec), ("port-forward", _port_forward)):
            seconds = session(turn, pod, mib)
            results.add(turn.name, f"{name}, {mib} MiB each way", "MiB/s", mib / seconds, more_is_better=True)
        pod.down()


def _exec(target: Target, pod: Pod, mib: int) -> float:
    with _crictl(target, "exec", "-i", pod.container_id, "cat") as client:
        assert client.stdin and client.stdout
        output = client.stdout
        return _timed(mib, client.stdin.write, client.stdin.close, iter(lambda: output.read1(1 << 20), b""))


def _port_forward(target: Target, pod: Pod, mib: int) -> float:
    serve = f"nc -ll -p {PORT} -e cat >/dev/null 2>&1 </dev/null &"
    target.cri("ExecSync", container_id=pod.container_id, cmd=["sh", "-c", serve])
    with _crictl(target, "port-forward", pod.id, f":{PORT}") as client:
        assert client.stdout
        line = client.stdout.readline()
        local = int(line.split(b"127.0.0.1:")[1].split(b" ")[0])
        with _answering(local) as connection:
            return _timed(
                mib,
                connection.sendall,
                lambda: connection.shutdown(socket.SHUT_WR),
                iter(lambda: connection.recv(1 << 20), b""),
            )


@contextlib.contextmanager
def _answering(port: int) -> Iterator[socket.socket]:
    """A connection on which the server has given a word back: it may not listen yet when it is asked first."""
    deadline = time.monotonic() + LIMIT
    while True:
        connection = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"?")
            if connection.recv(1) == b"?":
                break
        connection.close()
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody answers on the pod's port {PORT} after {LIMIT:.0f} s")
        time.sleep(0.1)
    with connection:
        yield connection


def _timed(mib: int, send: Callable[[bytes], object], end: Callable[[], object], receive: Iterator[bytes]) -> float:
    begun = time.perf_counter()
    came = there_and_back(mib, send, end, receive)
    seconds = time.perf_counter() - begun
    if came != told(blocks(mib)):
        raise ValueError(f"{came.size} bytes came back of {mib << 20}, or others")
    return seconds


@contextlib.contextmanager
def _crictl(target: Target, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    with tempfile.TemporaryDirectory(prefix="ob-", dir="/tmp") as directory:
        config = Path(directory) / "crictl.yaml"  # empty: the machine's own is not read
        config.write_text("")
        argv = [str(CRICTL), "--config", str(config), "--runtime-endpoint", f"unix://{target.cri.socket}", *words]
        pipe = subprocess.PIPE
        with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=dict(os.environ)) as client:
            try:
                yield client
            finally:
                client.kill()
