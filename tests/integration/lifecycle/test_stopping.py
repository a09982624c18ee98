"""StopContainer: signal, grace period, kill; and out-of-memory ends."""

import time

import pytest

from orlop.model import signals
from tests.harness.cri import Cri
from tests.harness.pods import EXITED, Container, Pods, eventually
from tests.integration.lifecycle.conftest import each_handler

TRAP_ALL = 'for s in TERM INT USR1; do trap "echo got $s; exit 9" $s; done; echo ready; while :; do sleep 0.05; done'
DEAF = "trap '' TERM; echo ready; while :; do sleep 0.05; done"


def _ready(container: Container) -> Container:
    eventually(lambda: "ready" in container.output())
    return container


@each_handler
def test_the_stop_signal_is_sent_and_its_exit_code_kept(pods: Pods) -> None:
    container = _ready(pods.run().start("sh", "-c", TRAP_ALL))
    container.stop(grace=10)
    assert container.status().exit_code == 9
    assert "got TERM" in container.output()


@each_handler
def test_what_ignores_the_signal_is_killed_after_the_grace_period(pods: Pods) -> None:
    container = _ready(pods.run().start("sh", "-c", DEAF))
    began = time.monotonic()
    container.stop(grace=1)
    took = time.monotonic() - began
    assert 0.9 <= took < 60
    assert container.status().exit_code == 137


def test_no_grace_kills_at_once(pods: Pods) -> None:
    container = _ready(pods.run().start("sh", "-c", DEAF))
    began = time.monotonic()
    container.stop(grace=0)
    assert time.monotonic() - began < 9  # the grace period of a stop that names none is 10 s
    assert container.status().exit_code == 137


def test_a_second_stop_shortens_the_grace_period(pods: Pods, cri: Cri) -> None:
    container = _ready(pods.run().start("sh", "-c", DEAF))
    began = time.monotonic()
    patient = cri.future("StopContainer", container_id=container.id, timeout=60)
    time.sleep(0.3)
    container.stop(grace=0)
    patient.result()
    assert time.monotonic() - began < 40
    assert container.status().state == EXITED


def test_a_client_that_gives_up_does_not_stop_the_stop(pods: Pods, cri: Cri) -> None:
    container = _ready(pods.run().start("sh", "-c", DEAF))
    call = cri.future("StopContainer", container_id=container.id, timeout=1)
    time.sleep(0.2)
    call.cancel()
    assert container.wait(seconds=5).exit_code == 137


@pytest.mark.parametrize("name", ["SIGINT", "SIGUSR1"])
def test_the_pod_may_choose_the_signal(pods: Pods, name: str) -> None:
    container = _ready(pods.run().start("sh", "-c", TRAP_ALL, stop_signal=signals.to_cri(name)))
    assert container.status().stop_signal == signals.to_cri(name)
    container.stop(grace=10)
    assert f"got {name.removeprefix('SIG')}" in container.output()


def test_stopping_a_created_container_ends_it(pods: Pods) -> None:
    container = pods.run().create()
    container.stop(grace=1)
    assert container.status().state == EXITED


@each_handler
def test_out_of_memory_is_the_reason(pods: Pods) -> None:
    limits = {"resources": {"memory_limit_in_bytes": 24 << 20, "memory_swap_limit_in_bytes": 24 << 20}}
    # tail keeps its whole input in memory.
    container = pods.run().start("sh", "-c", "exec tail -c 200000000 /dev/zero", linux=limits)
    status = container.wait()
    assert (status.reason, status.exit_code) == ("OOMKilled", 137)


def test_a_killed_child_is_not_the_containers_end(pods: Pods) -> None:
    limits = {"resources": {"memory_limit_in_bytes": 24 << 20, "memory_swap_limit_in_bytes": 24 << 20}}
    container = pods.run().start("sh", "-c", "tail -c 200000000 /dev/zero; sleep 0.5; exit 4", linux=limits)
    assert container.wait().exit_code == 4
