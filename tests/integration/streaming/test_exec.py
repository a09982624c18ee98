"""Exec by crictl: streams, exit codes, terminals, large transfers, and clients that vanish."""

import contextlib
import fcntl
import hashlib
import os
import select
import struct
import termios
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.harness.cri import Cri, refused
from tests.harness.pods import Container, Pod, eventually
from tests.integration.lifecycle.conftest import each_handler
from tests.integration.streaming.clients import Crictl

MANY = 50 << 20


@each_handler
def test_output_and_exit_code_come_back(crictl: Crictl, container: Container) -> None:
    done = crictl.run("exec", container.id, "sh", "-c", "echo out; echo err >&2; exit 5")
    assert (done.stdout, done.returncode) == (b"out\n", 1)
    assert done.stderr.startswith(b"err\n")
    assert b"exit code 5" in done.stderr or b"error code 5" in done.stderr


@each_handler
def test_success_says_nothing(crictl: Crictl, container: Container) -> None:
    done = crictl.run("exec", container.id, "true")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@each_handler
def test_input_of_50_mib_comes_back_whole(crictl: Crictl, container: Container) -> None:
    data = os.urandom(1 << 20) * (MANY >> 20)
    done = crictl.run("exec", "-i", container.id, "cat", stdin=data)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) == MANY
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()


def test_end_of_input_reaches_the_command(crictl: Crictl, container: Container) -> None:
    done = crictl.run("exec", "-i", container.id, "sh", "-c", "wc -c; echo after", stdin=b"twelve bytes")
    assert done.stdout.split() == [b"12", b"after"]


def test_a_command_that_reads_nothing_ends_all_the_same(crictl: Crictl, container: Container) -> None:
    done = crictl.run("exec", "-i", container.id, "sh", "-c", "exec 0<&-; sleep 0.3; echo done", stdin=b"x" * (4 << 20))
    assert (done.returncode, done.stdout) == (0, b"done\n")


def test_output_that_a_dead_command_left_comes_whole(crictl: Crictl, container: Container) -> None:
    done = crictl.run("exec", container.id, "sh", "-c", "head -c 3000000 /dev/zero")
    assert len(done.stdout) == 3_000_000


def test_a_background_process_does_not_hold_the_session(crictl: Crictl, container: Container) -> None:
    done = crictl.run("exec", container.id, "sh", "-c", "sleep 20 & echo started")
    assert done.stdout == b"started\n"
    assert "sleep 20" in container.sh("ps -o args")


@each_handler
def test_a_terminal(crictl: Crictl, container: Container) -> None:
    with crictl.on_terminal("exec", "-i", "-t", container.id, "sh") as terminal:
        terminal.type("tty; echo term=$TERM; stty size\n")
        terminal.until("/dev/pts/")
        terminal.until("term=xterm")
        fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 41, 133, 0, 0))
        os.kill(terminal.process.pid, 28)
        terminal.type("for i in 1 2 3 4 5 6 7 8 9; do stty size; sleep 0.2; done\n")
        terminal.until("41 133")
        terminal.type("exit 7\n")
        terminal.until("code 7")
        assert terminal.process.wait(10) == 1


def test_ctrl_c_on_a_terminal_interrupts_the_command_alone(crictl: Crictl, container: Container) -> None:
    with crictl.on_terminal("exec", "-i", "-t", container.id, "sh") as terminal:
        terminal.type("sleep 4444\n")
        eventually(lambda: "sleep 4444" in container.sh("ps -o args"))
        terminal.type("\x03")
        terminal.type("echo still $((40 + 2))\n")
        terminal.until("still 42")
        terminal.type("exit\n")
        assert terminal.process.wait(10) is not None


@each_handler
@pytest.mark.parametrize("command", ["sleep 5555", "setsid sleep 5555 & sleep 5555", "while :; do echo 5555; done"])
def test_a_client_that_vanishes_leaves_no_process(crictl: Crictl, container: Container, command: str) -> None:
    client = crictl.start("exec", "-i", container.id, "sh", "-c", command)
    eventually(lambda: "5555" in container.sh("ps -o args"))
    client.kill()
    eventually(lambda: "5555" not in container.sh("ps -o args"))


def test_a_client_that_vanishes_while_its_input_is_stuck(crictl: Crictl, container: Container) -> None:
    client = crictl.start("exec", "-i", container.id, "sleep", "6666")
    eventually(lambda: "6666" in container.sh("ps -o args"))
    assert client.stdin
    _fill(client.stdin.fileno())
    client.kill()
    eventually(lambda: "6666" not in container.sh("ps -o args"), seconds=8)


def _fill(fd: int) -> None:
    """Write until everything on the way to a command that reads nothing is full: nothing goes for half a second."""
    os.set_blocking(fd, False)
    while select.select([], [fd], [], 0.5)[1]:
        with contextlib.suppress(BlockingIOError):
            os.write(fd, bytes(1 << 16))


def test_a_client_that_vanishes_from_a_terminal(crictl: Crictl, container: Container) -> None:
    with crictl.on_terminal("exec", "-i", "-t", container.id, "sleep", "7777") as terminal:
        eventually(lambda: "7777" in container.sh("ps -o args"))
        terminal.process.kill()
        eventually(lambda: "7777" not in container.sh("ps -o args"))


def test_the_containers_end_ends_the_session(crictl: Crictl, container: Container) -> None:
    client = crictl.start("exec", "-i", container.id, "sleep", "8888")
    eventually(lambda: "8888" in container.sh("ps -o args"))
    container.stop(grace=1)
    assert client.wait(10) == 1


def test_a_missing_command_is_told(crictl: Crictl, container: Container) -> None:
    done = crictl.run("exec", container.id, "no-such-command")
    assert done.returncode == 1
    assert b"no-such-command" in done.stderr


def test_many_at_once_each_get_their_own(crictl: Crictl, container: Container) -> None:
    with ThreadPoolExecutor(12) as pool:
        commands = [("exec", container.id, "sh", "-c", f"echo {number}") for number in range(24)]
        outputs = list(pool.map(lambda words: crictl.run(*words).stdout, commands))
    assert [int(output) for output in outputs] == list(range(24))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cmd": [], "stdout": True}, "cmd is empty"),
        ({"cmd": ["true"]}, "none of stdin, stdout and stderr"),
        ({"cmd": ["true"], "stdout": True, "stderr": True, "tty": True}, "stderr cannot be asked for with tty"),
    ],
)
def test_requests_that_cannot_be_meant(cri: Cri, container: Container, fields: dict[str, object], words: str) -> None:
    with refused("INVALID_ARGUMENT", words):
        cri("Exec", container_id=container.id, **fields)


def test_it_needs_a_running_container(cri: Cri, pod: Pod) -> None:
    with refused("FAILED_PRECONDITION", "CONTAINER_CREATED"):
        cri("Exec", container_id=pod.create().id, cmd=["true"], stdout=True)
    with refused("NOT_FOUND"):
        cri("Exec", container_id="f" * 64, cmd=["true"], stdout=True)
