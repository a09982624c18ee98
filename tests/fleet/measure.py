"""One run of playbooks/node.yml on the fleet, and what it cost."""

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.fleet.hosts import ROOT, Fleet, FleetError

DECLARED = {"kubernetes": "1.37"}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run. Seconds."""

    hosts: int
    round_trips: list[int]
    """Of each host, the fewest first."""
    wall: float
    controller: float
    """Processor time of Ansible and its forks."""
    on_hosts: float
    """Processor time of what was run in the hosts, which is this machine's as well."""
    output: str


def run(fleet: Fleet, directory: Path, *, delay: float = 0.0, prove: bool = False, forks: int) -> Cost:
    """Run the playbook on every host. Raises FleetError where it fails."""
    log, inventory = directory / "round-trips", directory / "inventory.json"
    log.unlink(missing_ok=True)
    inventory.write_text(json.dumps(_inventory(fleet, log, delay)))
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), "--forks", str(forks)]
    argv += ["--extra-vars", json.dumps({"node_prove": prove}), str(ROOT / "playbooks/node.yml")]
    env = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_CONNECTION_PLUGINS": str(ROOT / "tests/fleet/plugins/connection"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_NOCOLOR": "1",
        "ORLOP_TASK_TIMES": "all",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise FleetError(f"ansible-playbook ended with {done.returncode}:\n{done.stdout[-8000:]}{done.stderr[-2000:]}")
    trips = [line.split() for line in log.read_text().splitlines()]
    on_hosts = sum(float(seconds) for _, _, seconds in trips)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    counts = sorted(Counter(host for host, _, _ in trips).values())
    return Cost(len(fleet.leaders), counts, wall, used - on_hosts, on_hosts, done.stdout)


def confirm(fleet: Fleet, directory: Path, *, delay: float = 0.0, forks: int) -> Cost:
    """The same on converged hosts. Raises FleetError where a host was changed."""
    cost = run(fleet, directory, delay=delay, forks=forks)
    unchanged = re.findall(r"^(\S+)\s*: ok=\d+ +changed=0 ", cost.output, re.MULTILINE)
    if set(unchanged) != set(fleet.leaders):
        changed = sorted(set(fleet.leaders) - set(unchanged))
        raise FleetError(f"{', '.join(changed)} was changed, not confirmed:\n{cost.output[-6000:]}")
    return cost


def _inventory(fleet: Fleet, log: Path, delay: float) -> dict[str, object]:
    hosts = {name: {"fleet_leader": leader} for name, leader in fleet.leaders.items()}
    settings = {
        "ansible_connection": "fleet",
        "ansible_python_interpreter": "/usr/bin/python3",
        "fleet_delay": delay,
        "fleet_log": str(log),
        "orlop_node": DECLARED,
    }
    return {"all": {"hosts": hosts, "vars": settings}}
