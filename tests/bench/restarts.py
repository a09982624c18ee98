"""A daemon that is killed and started again: how long until it answers as before."""

import contextlib
import time

import grpc

from tests.bench.podcalls import timed
from tests.bench.targets import START_TIMEOUT, Target

RUNNING = 1


def back_after_kill(target: Target, count: int) -> float:
    """Milliseconds from the start of a new daemon until it lists so many containers as running."""
    target.kill()
    took, _ = timed("back", lambda: (target.start(), until_running(target, count)))
    return took.milliseconds


def until_running(target: Target, count: int) -> None:
    """Wait until the daemon lists so many containers as running."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if target.listens():
            with contextlib.suppress(grpc.RpcError):
                listed = target.cri("ListContainers", deadline=5).containers
                if sum(container.state == RUNNING for container in listed) >= count:
                    return
            target.cri.close()
        time.sleep(0.005)
    raise TimeoutError(f"{target.name} does not list {count} running containers {START_TIMEOUT:.0f} s after its start")
