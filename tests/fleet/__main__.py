"""What confirming converged nodes costs, by their number. By hand, as root, with `.venv` as ./test.sh makes it:

    PYTHONPATH=runtime:. .venv/bin/python -m tests.fleet [--hosts 1,10,25,50] [--delay 0] [--forks 10]

One lab node is provisioned and proved by playbooks/node.yml; copies of it, each with a systemd and a daemon of its own,
are then confirmed by the same playbook, which must change none of them. Printed: round trips of a host, seconds by the
clock, and processor time of the controller and of the hosts; then the time of each task in the largest run. No pod is
run on the copies. All of it shares this machine's processors, which real hosts have of their own.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fleet import hosts, measure

HEADINGS = ("hosts", "round trips each", "wall s", "wall s/host", "controller s/host", "hosts' own s/host")


def main() -> None:
    """Measure, and leave nothing."""
    asked = argparse.ArgumentParser(prog="python -m tests.fleet", description=__doc__.splitlines()[0])
    asked.add_argument("--hosts", default="1,10,25,50", help="numbers of hosts, rising")
    asked.add_argument("--delay", type=float, default=0.0, help="milliseconds that a round trip takes on its way")
    asked.add_argument("--forks", type=int, default=10, help="hosts that Ansible works on at a time")
    options = asked.parse_args()
    numbers = [int(number) for number in options.hosts.split(",")]
    try:
        with hosts.fleet() as fleet, tempfile.TemporaryDirectory(prefix="orlop-fleet-") as directory:
            table(fleet, Path(directory), numbers, options.delay / 1000, options.forks)
    except hosts.FleetError as error:
        sys.exit(f"fleet: {error}")


def table(fleet: hosts.Fleet, directory: Path, numbers: list[int], delay: float, forks: int) -> None:
    """A line for each number of hosts."""
    fleet.base()
    measure.run(fleet, directory, prove=True, forks=1)
    fleet.seal()
    print("  ".join(HEADINGS), flush=True)
    for number in numbers:
        fleet.grow(number)
        cost = measure.confirm(fleet, directory, delay=delay, forks=forks)
        fewest, most = cost.round_trips[0], cost.round_trips[-1]
        cells = (
            str(number),
            str(most) if fewest == most else f"{fewest} to {most}",
            f"{cost.wall:.1f}",
            f"{cost.wall / number:.2f}",
            f"{cost.controller / number:.2f}",
            f"{cost.on_hosts / number:.2f}",
        )
        print("  ".join(cell.rjust(len(name)) for cell, name in zip(cells, HEADINGS, strict=True)), flush=True)
    print(cost.output[cost.output.find("TIME OF TASKS") :])


if __name__ == "__main__":
    main()
