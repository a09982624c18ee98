"""A gigabyte through exec and through port-forward, in both directions at once, arrives whole."""

import socket

import pytest

from tests.harness.pods import Container, Pod
from tests.integration.streaming.clients import Crictl
from tests.integration.streaming.test_port_forward import forwarded, listening
from tests.parts.flood import blocks, there_and_back, told

MANY = 1024
"""MiB."""

pytestmark = pytest.mark.timeout(600)


def test_a_gigabyte_through_exec(crictl: Crictl, container: Container) -> None:
    client = crictl.start("exec", "-i", container.id, "cat")
    assert client.stdin and client.stdout and client.stderr
    output = client.stdout
    came = there_and_back(MANY, client.stdin.write, client.stdin.close, iter(lambda: output.read1(1 << 20), b""))
    assert came == told(blocks(MANY))
    assert client.wait(60) == 0, client.stderr.read()


def test_a_gigabyte_through_port_forward(crictl: Crictl, pod: Pod) -> None:
    with (
        listening(pod, "127.0.0.1"),
        forwarded(crictl, pod, 8080) as port,
        socket.create_connection(("127.0.0.1", port), timeout=120) as connection,
    ):
        came = there_and_back(
            MANY,
            connection.sendall,
            lambda: connection.shutdown(socket.SHUT_WR),
            iter(lambda: connection.recv(1 << 20), b""),
        )
    assert came == told(blocks(MANY))
