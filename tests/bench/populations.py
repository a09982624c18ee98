"""Growing numbers of running pods: lists, idle CPU, memory, and the return of a daemon that is killed."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.bench.counts import Counts
from tests.bench.machine import cpu_seconds, pss_mib
from tests.bench.podcalls import Pod, timed
from tests.bench.restarts import back_after_kill
from tests.bench.results import Results
from tests.bench.targets import Target, in_turns, processes_naming

AT_ONCE = 4
LISTS = ("ListPodSandbox", "ListContainers", "ListContainerStats", "ListPodSandboxStats")


def measure(targets: list[Target], counts: Counts, results: Results) -> None:
    """Each population is the one before and some more."""
    pods: dict[str, list[Pod]] = {target.name: [] for target in targets}
    for size in counts.sizes():
        for target in targets:
            more = [Pod(target) for _ in range(size - len(pods[target.name]))]
            pods[target.name] += more
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(Pod.up, more))
        for target in targets:
            for pod in pods[target.name]:
                pod.settled()
        _measure(targets, pods, size, counts, results)
    for target in targets:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(Pod.down, pods[target.name]))


def _measure(targets: list[Target], pods: dict[str, list[Pod]], size: int, counts: Counts, results: Results) -> None:
    for turn in in_turns(targets, counts.lists):
        lists(turn, f"{size} pods", results)
    _idle(targets, size, counts, results)
    for target in targets:
        results.add(target.name, f"daemon memory, {size} pods", "MiB", pss_mib([target.pid]))
        monitors = processes_naming({name for pod in pods[target.name] for name in (pod.id, pod.container_id)})
        results.add(target.name, f"monitor memory per pod, {size} pods", "MiB", pss_mib(monitors) / size)
    for turn in in_turns([target for target in targets if target.restartable], counts.kills):
        results.add(turn.name, f"back after SIGKILL, {size} pods", "ms", back_after_kill(turn, size))


def lists(target: Target, what: str, results: Results) -> None:
    """Each list once."""
    for call in LISTS:
        took, _ = timed(call, lambda call=call: target.cri(call))
        results.add(target.name, f"{call}, {what}", "ms", took.milliseconds)


def _idle(targets: list[Target], size: int, counts: Counts, results: Results) -> None:
    """All at the same time: whoever does nothing disturbs nobody."""
    if not counts.idle_seconds:
        return
    time.sleep(min(2.0, counts.idle_seconds))  # let the last calls' work end
    before = {target.name: cpu_seconds(target.pid) for target in targets}
    time.sleep(counts.idle_seconds)
    for target in targets:
        share = (cpu_seconds(target.pid) - before[target.name]) / counts.idle_seconds * 100
        results.add(target.name, f"idle CPU, {size} pods", "% of a core", share)
