"""Figures of all targets, by case: samples, their median and 95th percentile."""

import math
import statistics
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Case:
    """One row of the table."""

    name: str
    unit: str
    more_is_better: bool = False
    samples: dict[str, list[float]] = field(default_factory=dict)
    """By target."""


def median(samples: list[float]) -> float:
    """The middle one."""
    return statistics.median(samples)


def p95(samples: list[float]) -> float:
    """The smallest sample that at least 95 of 100 do not exceed (nearest rank)."""
    return sorted(samples)[math.ceil(0.95 * len(samples)) - 1]


class Results:
    """All cases in the order in which they were first measured."""

    def __init__(self, targets: list[str], described: list[str]) -> None:
        self.targets = targets
        self.described = described
        """Lines about machine and targets."""
        self.cases: dict[str, Case] = {}

    def add(self, target: str, case: str, unit: str, value: float, *, more_is_better: bool = False) -> None:
        """Add a sample."""
        entry = self.cases.setdefault(case, Case(case, unit, more_is_better))
        entry.samples.setdefault(target, []).append(value)

    def pairs(self) -> list[tuple[str, str]]:
        """Which target is compared with which: the first and its variants ("orlop …") with each other one."""
        first = self.targets[0]
        own = [name for name in self.targets if name.split()[0] == first]
        return [(mine, other) for other in self.targets if other not in own for mine in own]

    def ratio(self, case: Case, mine: str, other: str) -> float | None:
        """One target's median over another's; None where one of them is missing or zero."""
        first, second = case.samples.get(mine), case.samples.get(other)
        if not first or not second or median(second) == 0:
            return None
        return median(first) / median(second)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "described": self.described,
            "targets": self.targets,
            "cases": [
                {
                    "name": case.name,
                    "unit": case.unit,
                    "more_is_better": case.more_is_better,
                    "targets": {
                        target: {"median": median(samples), "p95": p95(samples), "samples": samples}
                        for target, samples in case.samples.items()
                    },
                }
                for case in self.cases.values()
            ],
        }
