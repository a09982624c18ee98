"""Where the time of one pod goes: the steps that orlopd logs at level debug, beside what the client waited in all."""

import re
import statistics
from dataclasses import dataclass, field
from html import escape

from tests.bench.orlop_target import OrlopTarget
from tests.bench.podcalls import Pod
from tests.bench.table import aligned, number

CALLS = {
    ("pod", "made"): "RunPodSandbox",
    ("container", "made"): "CreateContainer",
    ("container", "started"): "StartContainer",
    ("pod", "stopped"): "StopPodSandbox",
    ("container", "removed"): "RemoveContainer",
    ("pod", "removed"): "RemovePodSandbox",
}
WHOSE = {
    "make its namespaces": "kernel",
    "make the pod's cgroup": "kernel",
    "write its files": "kernel",
    "set up its network": "CNI plugins",
    "take down its network": "CNI plugins",
    "prepare the root filesystem": "kernel",
    "create the container with its monitor": "conmon, OCI runtime",
    "start": "OCI runtime",
    "delete it from the OCI runtime": "OCI runtime",
    "stop its containers": "the container",
}
"""Who does a step's work; what is not here is ours."""
ANSWERING = "gRPC and the client"
COLOURS = {"kernel": "#8c8c8c", "CNI plugins": "#c9773a", "conmon, OCI runtime": "#1f6f8b", "OCI runtime": "#4b9ab8",
           "the container": "#6b8e4e", "ours": "#a04a5b"}  # fmt: skip
_LINE = re.compile(r"(pod|container) \S.* (made|started|stopped|removed) in ([\d.]+) ms: (.*)$")
_STEP = re.compile(r"(.+) ([\d.]+)$")
LEFT, BARS, BAR = 300, 560, 18


@dataclass
class Row:
    """One step of one call."""

    call: str
    step: str
    samples: list[float] = field(default_factory=list)

    @property
    def whose(self) -> str:
        """Who does the work."""
        return WHOSE.get(self.step, "ours")

    @property
    def median(self) -> float:
        """Milliseconds."""
        return statistics.median(self.samples)


def measure(target: OrlopTarget, pods: int) -> list[Row]:
    """Make and remove so many pods on a daemon that logs at level debug; rows in the order of a pod's life."""
    rows: dict[tuple[str, str], Row] = {}
    for _ in range(pods):
        begins = len(target.node.log())
        pod = Pod(target)
        waited = [*pod.up()]
        pod.settled()
        waited += pod.down()
        told = parse(target.node.log()[begins:])
        for call in waited:
            steps = told.get(call.call, [])
            rest = call.milliseconds - sum(milliseconds for _, milliseconds in steps)
            for step, milliseconds in [*steps, (ANSWERING if steps else "all of it", rest)]:
                row = rows.setdefault((call.call, step), Row(call.call, step))
                row.samples.append(max(0.0, milliseconds))
    return list(rows.values())


def parse(log: str) -> dict[str, list[tuple[str, float]]]:
    """Steps with their milliseconds, by call, from the log of one pod's life."""
    found = {}
    for line in log.splitlines():
        if (match := _LINE.search(line)) and (call := CALLS.get((match[1], match[2]))):
            steps = [_STEP.fullmatch(part) for part in match[4].split(", ")]
            found[call] = [(step[1], float(step[2])) for step in steps if step]
    return found


def text(rows: list[Row]) -> str:
    """As a table, which is Markdown too."""
    cells = [["call", "step", "median ms", "lowest ms", "whose"]]
    cells += [[row.call, row.step, number(row.median), number(min(row.samples)), row.whose] for row in rows]
    sums: dict[str, float] = {}
    for row in rows:
        if row.call in ("RunPodSandbox", "CreateContainer", "StartContainer"):
            sums[row.whose] = sums.get(row.whose, 0.0) + row.median
    cells += [["pod up", "sum", number(total), "", whose] for whose, total in sums.items()]
    return "\n".join(aligned(cells, left=(0, 1, 4))) + "\n"


def svg(rows: list[Row]) -> str:
    """As a picture: each step begins where the one before ended."""
    whole, top, at = sum(row.median for row in rows) or 1.0, 46.0, 0.0
    parts, left = [], 10
    for name, colour in COLOURS.items():
        parts.append(f'<rect x="{left}" y="12" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{left + 17}" y="23">{escape(name)}</text>')
        left += 40 + 7 * len(name)
    for row in rows:
        length, start = BARS * row.median / whole, LEFT + BARS * at / whole
        label = escape(f"{row.call}: {row.step}")
        parts.append(f'<text x="{LEFT - 8}" y="{top + 12:.0f}" text-anchor="end" font-size="11">{label}</text>')
        parts.append(
            f'<rect x="{start:.1f}" y="{top:.0f}" width="{max(length, 0.5):.1f}" height="{BAR - 5}" '
            f'fill="{COLOURS[row.whose]}"/>'
        )
        parts.append(
            f'<text x="{start + length + 5:.1f}" y="{top + 11:.0f}" font-size="10">{number(row.median)}</text>'
        )
        at, top = at + row.median, top + BAR
    width = LEFT + BARS + 70
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top + 10:.0f}" '
        f'viewBox="0 0 {width} {top + 10:.0f}" font-family="sans-serif" font-size="12">\n'
        '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )
