"""What is measured, in which order. Targets take turns round by round, so that a slow minute hits all of them."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import grpc

from tests.bench import pulls
from tests.bench.counts import Counts
from tests.bench.machine import cpu_seconds, pss_mib
from tests.bench.podcalls import Pod, timed
from tests.bench.results import Results
from tests.bench.targets import START_TIMEOUT, Target, in_turns, processes_naming
from tests.parts.registry import Registry

RUNNING = 1
SETTLING = 1.0
"""Seconds in which every container's shell sets its trap: as PID 1 it does not hear a SIGTERM before."""


def measure(targets: list[Target], counts: Counts, results: Results, registry: Registry | None) -> None:
    """Everything that the counts ask for."""
    for target in targets:
        results.add(target.name, "daemon memory, fresh", "MiB", pss_mib([target.pid]))
        _one_pod(target, None)  # what is made once (bridges, chains, caches) is made here
    for turn in in_turns(targets, counts.rounds):
        _one_pod(turn, results)
    for turn in in_turns(targets, counts.parallel_rounds if counts.parallel else 0):
        _many_pods(turn, counts.parallel, results)
    if counts.pods:
        _populated(targets, counts, results)
    if counts.pull_mib and counts.pull_rounds and registry is not None:
        pulls.measure([each for each in targets if each.restartable], counts, results, registry)


def _one_pod(target: Target, results: Results | None) -> None:
    pod = Pod(target)
    up = pod.up()
    between = [pod.exec_true(), pod.stats()]
    down = pod.down()
    if results is None:
        return
    for call in (*up, *down):
        results.add(target.name, call.call, "ms", call.milliseconds)
    results.add(target.name, "pod up", "ms", sum(call.milliseconds for call in up))
    results.add(target.name, "pod down", "ms", sum(call.milliseconds for call in down))
    for call in between:
        results.add(target.name, call.call, "ms", call.milliseconds)


def _many_pods(target: Target, count: int, results: Results) -> None:
    pods = [Pod(target) for _ in range(count)]
    with ThreadPoolExecutor(count) as pool:
        up, _ = timed("up", lambda: list(pool.map(Pod.up, pods)))
        time.sleep(SETTLING)
        down, _ = timed("down", lambda: list(pool.map(Pod.down, pods)))
    for name, call in (("up", up), ("down", down)):
        rate = count / call.milliseconds * 1000
        results.add(target.name, f"pods {name}, {count} at once", "1/s", rate, more_is_better=True)


def _populated(targets: list[Target], counts: Counts, results: Results) -> None:
    pods = {target.name: [Pod(target) for _ in range(counts.pods)] for target in targets}
    for target in targets:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Pod.up, pods[target.name]))
    for turn in in_turns(targets, counts.lists):
        for call in ("ListPodSandbox", "ListContainers", "ListContainerStats"):
            took, _ = timed(call, lambda turn=turn, call=call: turn.cri(call))
            results.add(turn.name, f"{call}, {counts.pods} pods", "ms", took.milliseconds)
    _idle(targets, counts, results)
    for target in targets:
        results.add(target.name, f"daemon memory, {counts.pods} pods", "MiB", pss_mib([target.pid]))
        monitors = processes_naming({name for pod in pods[target.name] for name in (pod.id, pod.container_id)})
        results.add(target.name, "monitor memory per pod", "MiB", pss_mib(monitors) / counts.pods)
    for turn in in_turns([target for target in targets if target.restartable], counts.kills):
        back = _back_after_kill(turn, counts.pods)
        results.add(turn.name, f"back after SIGKILL, {counts.pods} pods", "ms", back)
    for target in targets:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Pod.down, pods[target.name]))


def _idle(targets: list[Target], counts: Counts, results: Results) -> None:
    """All at the same time: whoever does nothing disturbs nobody."""
    if not counts.idle_seconds:
        return
    time.sleep(min(2.0, counts.idle_seconds))  # let the last calls' work end
    before = {target.name: cpu_seconds(target.pid) for target in targets}
    time.sleep(counts.idle_seconds)
    for target in targets:
        share = (cpu_seconds(target.pid) - before[target.name]) / counts.idle_seconds * 100
        results.add(target.name, f"idle CPU, {counts.pods} pods", "% of a core", share)


def _back_after_kill(target: Target, count: int) -> float:
    """Milliseconds from the start of a new daemon until it lists all containers as running."""
    target.kill()
    took, _ = timed("back", lambda: (target.start(), _until_running(target, count)))
    return took.milliseconds


def _until_running(target: Target, count: int) -> None:
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
