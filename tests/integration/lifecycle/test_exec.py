"""ExecSync: output, exit code, time limit, cap, and many at once."""

import time

import pytest

from tests.harness.cri import Cri, refused
from tests.harness.foreign import ours
from tests.harness.pods import Pods, eventually
from tests.integration.lifecycle.conftest import each_handler

KUBELETS_LIMIT = 16 << 20
"""Bytes of a message that the kubelet's client takes."""
NEARLY_ALL = KUBELETS_LIMIT - (1 << 17)
"""CRI-O leaves 114 KiB."""


@each_handler
def test_output_and_exit_code_come_back(pods: Pods) -> None:
    answer = pods.run().start().exec("sh", "-c", "echo out; echo err >&2; exit 5")
    assert (answer.stdout, answer.stderr, answer.exit_code) == (b"out\n", b"err\n", 5)


@each_handler
def test_it_runs_in_the_containers_namespaces_as_its_user(pods: Pods) -> None:
    linux = {"security_context": {"run_as_user": {"value": 1234}, "run_as_group": {"value": 4321}}}
    container = pods.run(hostname="inside").start(linux=linux, envs=[{"key": "WORD", "value": b"x y"}])
    assert container.sh('echo "$(id -u):$(id -g) $(hostname) $WORD"') == "1234:4321 inside x y"
    assert container.sh("readlink /proc/self/ns/net") == container.sh("readlink /proc/1/ns/net")


@ours("the time limit of ExecSync ends descendants too, and at once")
@each_handler
def test_time_limit_kills_the_command_and_its_descendants(pods: Pods) -> None:
    container = pods.run().start()
    began = time.monotonic()
    with refused("DEADLINE_EXCEEDED"):
        container.exec("sh", "-c", "setsid sleep 7777 & sleep 8888", timeout=1)
    assert time.monotonic() - began < 60
    assert "7777" not in container.sh("ps -o args")
    assert "8888" not in container.sh("ps -o args")


@each_handler
def test_a_missing_command_is_named(pods: Pods) -> None:
    container = pods.run().start()
    with refused("INVALID_ARGUMENT", "no-such-command"):
        container.exec("no-such-command")


def test_a_background_process_does_not_hold_the_answer(pods: Pods) -> None:
    container = pods.run().start()
    began = time.monotonic()
    answer = container.exec("sh", "-c", "sleep 600 >/dev/null 2>&1 & echo done")
    assert answer.stdout == b"done\n"
    assert time.monotonic() - began < 60


def test_binary_output_is_untouched(pods: Pods) -> None:
    answer = pods.run().start().exec("sh", "-c", "printf '\\000\\377\\n'")
    assert answer.stdout == b"\x00\xff\n"


@each_handler
def test_output_beyond_the_cap_is_cut_and_the_command_ends(pods: Pods) -> None:
    container = pods.run().start()
    answer = container.exec("sh", "-c", "head -c 20000000 /dev/zero; echo end >&2; exit 3")
    assert NEARLY_ALL < len(answer.stdout) < answer.ByteSize() <= KUBELETS_LIMIT
    assert (answer.stderr, answer.exit_code) == (b"end\n", 3)
    answer = container.exec("sh", "-c", "head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2; exit 3")
    assert NEARLY_ALL < len(answer.stdout) + len(answer.stderr) < answer.ByteSize() <= KUBELETS_LIMIT
    assert (len(answer.stdout) > 0, len(answer.stderr) > 0, answer.exit_code) == (True, True, 3)


def test_it_needs_a_running_container(pods: Pods) -> None:
    pod = pods.run()
    with refused("FAILED_PRECONDITION", "CONTAINER_CREATED"):
        pod.create().exec("true")
    ended = pod.start("true")
    ended.wait()
    with refused("FAILED_PRECONDITION", "CONTAINER_EXITED"):
        ended.exec("true")


def test_it_needs_a_command(pods: Pods) -> None:
    with refused("INVALID_ARGUMENT", "cmd"):
        pods.run().start().exec()


@each_handler
@pytest.mark.parametrize("count", [100])
def test_many_at_once_each_get_their_own_answer(pods: Pods, cri: Cri, count: int) -> None:
    container = pods.run().start()
    commands = [["sh", "-c", f"echo {number}; exit {number}"] for number in range(count)]
    calls = [cri.future("ExecSync", container_id=container.id, cmd=command, timeout=60) for command in commands]
    answers = [call.result() for call in calls]
    assert [answer.exit_code for answer in answers] == list(range(count))
    assert [int(answer.stdout) for answer in answers] == list(range(count))


def test_a_client_that_goes_away_leaves_no_process(pods: Pods, cri: Cri) -> None:
    container = pods.run().start()
    call = cri.future("ExecSync", container_id=container.id, cmd=["sleep", "6666"], timeout=2)
    eventually(lambda: "6666" in container.sh("ps -o args"))
    call.cancel()
    eventually(lambda: "6666" not in container.sh("ps -o args"), seconds=6)
