"""PortForward by crictl: into a pod's network namespace and into the node's."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from orlop.linux.namespaces import run_in_netns
from tests.harness.cri import Cri, refused
from tests.harness.foreign import ours
from tests.harness.pods import NODE, Pod, Pods
from tests.integration.streaming.clients import Crictl, read_until


@contextmanager
def forwarded(crictl: Crictl, pod: Pod, port: int) -> Iterator[int]:
    """The local port that leads to the pod's."""
    client = crictl.start("port-forward", pod.id, f":{port}")
    line = read_until(client, b"->")
    try:
        yield int(line.split(b"127.0.0.1:")[1].split(b" ")[0])
    finally:
        client.kill()
        client.wait()


Answer = Callable[[socket.socket], None]


def echo(connection: socket.socket) -> None:
    """Everything comes back, and the end after it."""
    while data := connection.recv(1 << 16):
        connection.sendall(data)


def talk(port: int, data: bytes) -> bytes:
    """Send all, end our half, and read to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:

        def send() -> None:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        received = []
        while piece := connection.recv(1 << 20):
            received.append(piece)
        sender.join()
        return b"".join(received)


@contextmanager
def listening(pod: Pod, address: str, answer: Answer = echo) -> Iterator[None]:
    """A server on port 8080 inside the pod's network; each connection gets the answer."""
    pid = pod.start().info()["pid"]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET

    def make() -> socket.socket:
        return socket.create_server((address, 8080), family=family, backlog=50)

    with run_in_netns(f"/proc/{pid}/ns/net", make) as server, ThreadPoolExecutor(50) as pool:

        def serve() -> None:
            with contextlib.suppress(OSError):  # the server's end
                while True:
                    pool.submit(_answer, server.accept()[0], answer)

        pool.submit(serve)
        try:
            yield
        finally:  # else the pool would wait for ever, and a failing test hang
            server.shutdown(socket.SHUT_RDWR)


def _answer(connection: socket.socket, answer: Answer) -> None:
    with connection:
        connection.settimeout(30)
        answer(connection)


def test_ipv6_where_ipv4_has_nobody(crictl: Crictl, pod: Pod) -> None:
    with listening(pod, "::1"), forwarded(crictl, pod, 8080) as port:
        assert talk(port, b"over six") == b"over six"


def test_many_connections_side_by_side(crictl: Crictl, pod: Pod) -> None:
    with listening(pod, "127.0.0.1"), forwarded(crictl, pod, 8080) as port, ThreadPoolExecutor(20) as pool:
        words = [os.urandom(100_000) for _ in range(40)]
        assert list(pool.map(lambda word: talk(port, word), words)) == words


def test_a_server_that_speaks_first_and_closes(crictl: Crictl, pod: Pod) -> None:
    def greet(connection: socket.socket) -> None:
        connection.sendall(b"hello there")

    with listening(pod, "127.0.0.1", greet), forwarded(crictl, pod, 8080) as port:
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        with connection:
            assert connection.recv(100) == b"hello there"
            assert connection.recv(100) == b""


@ours("the words for a port that nobody listens on")
def test_a_port_without_a_server_is_told(crictl: Crictl, pod: Pod) -> None:
    client = crictl.start("port-forward", pod.id, ":8081")
    port = int(read_until(client, b"->").split(b"127.0.0.1:")[1].split(b" ")[0])
    with contextlib.suppress(ConnectionError):
        assert talk(port, b"anybody?") == b""
    assert client.stderr
    assert any(b"nobody answers on port 8081" in line for line in client.stderr)


@pytest.mark.parametrize("where", ["the node"])
def test_a_pod_in_the_nodes_network(crictl: Crictl, pods: Pods, where: str) -> None:
    pod = pods.run(linux={"security_context": {"namespace_options": {"network": NODE}}})
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(where.encode())

        thread = threading.Thread(target=answer)
        thread.start()
        with forwarded(crictl, pod, server.getsockname()[1]) as port:
            assert talk(port, b"") == where.encode()
        thread.join()


def test_requests_that_cannot_be(cri: Cri, pod: Pod) -> None:
    with refused("INVALID_ARGUMENT", "70000"):
        cri("PortForward", pod_sandbox_id=pod.id, port=[70000])
    with refused("NOT_FOUND"):
        cri("PortForward", pod_sandbox_id="f" * 64, port=[80])
    pod.stop()
    with refused("FAILED_PRECONDITION", "NOTREADY"):
        cri("PortForward", pod_sandbox_id=pod.id, port=[80])
