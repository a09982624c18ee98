"""What is measured, in which order. Targets take turns round by round, so that a slow minute hits all of them."""

from concurrent.futures import ThreadPoolExecutor

from tests.bench import populations, pulls, recorded, restarts, transfers
from tests.bench.counts import Counts
from tests.bench.machine import pss_mib, written_kib
from tests.bench.orlop_target import PACKED
from tests.bench.podcalls import Pod, timed
from tests.bench.results import Results
from tests.bench.targets import Target, in_turns
from tests.parts.registry import Registry


def measure(targets: list[Target], counts: Counts, results: Results, registry: Registry) -> None:
    """Everything that the counts ask for."""
    packed = [target for target in targets if target.name == PACKED]
    targets = [target for target in targets if target.name != PACKED]
    whole = [target for target in targets if not target.variant]
    own = [target for target in whole if target.restartable]
    for target in targets:
        results.add(target.name, "daemon memory, fresh", "MiB", pss_mib([target.pid]))
        _one_pod(target, None)  # what is made once (bridges, chains, caches) is made here
    for turn in in_turns(own, counts.starts):
        results.add(turn.name, "daemon start, no pods", "ms", restarts.back_after_kill(turn, 0))
    for turn in in_turns(targets, counts.rounds):
        _one_pod(turn, results)
    for turn in in_turns(targets, counts.parallel_rounds if counts.parallel else 0):
        _many_pods(turn, counts.parallel, results)
    for turn in own if counts.written_pods else ():
        _written(turn, counts.written_pods, results)
    populations.measure(whole, counts, results)
    if counts.pull_mib and counts.pull_rounds:
        pulls.measure([*own, *packed], counts, results, registry)
    if counts.transfer_mib and counts.transfer_rounds:
        transfers.measure(targets, counts, results)
    if counts.recorded and counts.lists:
        recorded.measure([target for target in own if target.fillable], counts, results)


def _one_pod(target: Target, results: Results | None) -> None:
    pod = Pod(target)
    up = pod.up()
    between = pod.asked()
    pod.settled()
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
        for pod in pods:
            pod.settled()
        down, _ = timed("down", lambda: list(pool.map(Pod.down, pods)))
    for name, call in (("up", up), ("down", down)):
        rate = count / call.milliseconds * 1000
        results.add(target.name, f"pods {name}, {count} at once", "1/s", rate, more_is_better=True)


def _written(target: Target, count: int, results: Results) -> None:
    """What reaches the disk for pods that come and go. The disk is the machine's: others should be quiet."""
    before = written_kib(target.directory)
    for _ in range(count):
        pod = Pod(target)
        pod.up()
        pod.settled()
        pod.down()
    after = written_kib(target.directory)
    if before is not None and after is not None:
        results.add(target.name, "written to disk per pod", "KiB", (after - before) / count)
