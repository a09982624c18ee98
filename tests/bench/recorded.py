"""Lists with many containers, against recorded state: what a list costs does not depend on how they came to be.

orlop's are copies of one running container in its state database. A peer would have to make so many, which takes it
minutes, and is therefore compared with populations.py's running pods alone.
"""

from tests.bench.counts import Counts
from tests.bench.podcalls import Pod
from tests.bench.populations import lists
from tests.bench.results import Results
from tests.bench.targets import Target, in_turns


def measure(targets: list[Target], counts: Counts, results: Results) -> None:
    """All targets get their containers, and then take turns."""
    what = f"{counts.recorded} on record"
    pods = {target.name: Pod(target) for target in targets}
    for target in targets:
        pod = pods[target.name]
        pod.up()
        pod.settled()
        target.fill(pod, counts.recorded)
    for turn in in_turns(targets, counts.lists):
        lists(turn, what, results)
    for target in targets:
        target.empty(pods[target.name], counts.recorded)
        pods[target.name].down()
