"""Attach by crictl: the streams of a running container, which outlives its clients."""

import fcntl
import os
import struct
import termios

import pytest

from tests.harness.cri import Cri, refused
from tests.harness.pods import RUNNING, Pod, eventually
from tests.integration.lifecycle.conftest import each_handler
from tests.integration.streaming.clients import Crictl, read_until

TICKING = ("sh", "-c", "while :; do echo out; echo err >&2; sleep 0.1; done")
ECHOING = ("sh", "-c", 'while read -r line; do echo "got $line"; [ "$line" = end ] && exit 3; done; echo closed')


@each_handler
def test_both_outputs_come_and_the_container_goes_on(crictl: Crictl, pod: Pod) -> None:
    container = pod.start(*TICKING)
    client = crictl.start("attach", container.id)
    read_until(client, b"out\nout\n")
    assert client.stderr
    assert client.stderr.readline() == b"err\n"
    client.kill()
    client.wait()
    lines = len(container.log())
    eventually(lambda: len(container.log()) > lines + 4)
    assert container.status().state == RUNNING


@each_handler
def test_input_reaches_the_container_and_its_end_ends_the_session(crictl: Crictl, pod: Pod) -> None:
    container = pod.start(*ECHOING, stdin=True)
    client = crictl.start("attach", "-i", container.id)
    assert client.stdin
    client.stdin.write(b"hello\n")
    client.stdin.flush()
    read_until(client, b"got hello\n")
    client.stdin.write(b"end\n")
    client.stdin.flush()
    read_until(client, b"got end\n")
    assert client.wait(10) == 0
    assert container.wait().exit_code == 3


def test_end_of_input_closes_the_containers_if_it_wants_it_once(crictl: Crictl, pod: Pod) -> None:
    once = pod.start(*ECHOING, stdin=True, stdin_once=True)
    done = crictl.run("attach", "-i", once.id, stdin=b"one\n")
    assert b"got one\n" in done.stdout
    assert once.wait().exit_code == 0
    assert "closed" in once.output()


def test_a_second_client_finds_the_input_open(crictl: Crictl, pod: Pod) -> None:
    container = pod.start(*ECHOING, stdin=True)
    for word in (b"first", b"second"):
        client = crictl.start("attach", "-i", container.id)
        assert client.stdin
        client.stdin.write(word + b"\n")
        client.stdin.flush()
        read_until(client, b"got " + word)
        client.kill()
        client.wait()
    assert container.status().state == RUNNING


@each_handler
def test_a_terminal_with_its_size(crictl: Crictl, pod: Pod) -> None:
    container = pod.start("sh", stdin=True, tty=True)
    with crictl.on_terminal("attach", "-i", "-t", container.id) as terminal:
        fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 41, 133, 0, 0))
        terminal.type("echo $((40 + 2)) $(tty)\n")
        terminal.until("42 /dev/pts/")
        os.kill(terminal.process.pid, 28)
        terminal.type("for i in 1 2 3 4 5 6 7 8 9; do stty size; sleep 0.2; done\n")
        terminal.until("41 133")
        terminal.type("exit 4\n")
        assert terminal.process.wait(10) is not None
    assert container.wait().exit_code == 4


def test_two_clients_see_the_same(crictl: Crictl, pod: Pod) -> None:
    container = pod.start(*TICKING)
    clients = [crictl.start("attach", container.id) for _ in range(2)]
    for client in clients:
        read_until(client, b"out\nout\n")


def test_requests_that_cannot_be(cri: Cri, pod: Pod) -> None:
    container = pod.start()
    with refused("INVALID_ARGUMENT", "has no terminal"):
        cri("Attach", container_id=container.id, stdin=True, stdout=True, tty=True)
    with refused("INVALID_ARGUMENT", "none of stdin, stdout and stderr"):
        cri("Attach", container_id=container.id)
    with refused("FAILED_PRECONDITION", "CONTAINER_CREATED"):
        cri("Attach", container_id=pod.create().id, stdout=True)


@pytest.mark.parametrize("size", [5_000_000])
def test_much_input_arrives_whole(crictl: Crictl, pod: Pod, size: int) -> None:
    container = pod.start("sh", "-c", "wc -c; sleep 0.2", stdin=True, stdin_once=True)
    done = crictl.run("attach", "-i", container.id, stdin=b"0123456789" * (size // 10))
    assert done.returncode == 0, done.stderr
    assert container.wait().exit_code == 0
    assert container.output().strip() == str(size)
