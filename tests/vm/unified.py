"""What cgroup v2 alone has, through the CRI: memory QoS (`unified`, KEP-2570) and pressure (PSI, KEP-4205)."""

import json
from pathlib import Path
from typing import Any

from tests.vm.pods import answer, running

MINIMUM, HIGH, LIMIT = 16 << 20, 48 << 20, 64 << 20
WISHES = {"memory.min": str(MINIMUM), "memory.high": str(HIGH)}


def memory_and_pressure() -> bool:
    """The limits as the kernel has them, and the figures that the daemon tells of a container."""
    linux = {"resources": {"memory_limit_in_bytes": LIMIT, "unified": WISHES}}
    for handler in ("runc", "crun"):
        with running(f"qos-{handler}", handler=handler, linux=linux) as container:
            _limits(handler, container)
            _pressure(handler, container)
    return True


def _limits(handler: str, container: str) -> None:
    pid = json.loads(answer("inspect", container))["info"]["pid"]
    path = Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::")
    found = {name: (Path(f"/sys/fs/cgroup{path}") / name).read_text().strip() for name in (*WISHES, "memory.max")}
    print(f"  {handler}: {found}")
    assert found == {**WISHES, "memory.max": str(LIMIT)}


def _pressure(handler: str, container: str) -> None:
    """Each of the three resources, for some and for all of the tasks, with the averages of three times."""
    [stats] = json.loads(answer("stats", "--output=json", "--id", container))["stats"]
    for resource in ("cpu", "memory", "io"):
        told: dict[str, Any] = stats[resource]["psi"]
        print(f"  {handler}, {resource}: {json.dumps(told)}")
        assert told.keys() == {"Full", "Some"}, told
        assert all({"Total", "Avg10", "Avg60", "Avg300"} == told[kind].keys() for kind in told), told
