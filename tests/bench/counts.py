"""How much is measured: every count is an option of the command line."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Counts:
    """How much of everything; 0 leaves a part out."""

    rounds: int = 20
    parallel: int = 10
    parallel_rounds: int = 3
    pods: int = 20
    lists: int = 10
    idle_seconds: float = 10.0
    kills: int = 3
    pull_mib: int = 96
    pull_rounds: int = 3

    MEANINGS: ClassVar[dict[str, str]] = {
        "rounds": "pods made and removed one by one",
        "parallel": "pods made at once",
        "parallel_rounds": "times that so many pods are made at once",
        "pods": "pods that run while lists, memory and idle CPU are measured",
        "lists": "calls of each list",
        "idle_seconds": "seconds of idling",
        "kills": "times that a daemon is killed with these pods running",
        "pull_mib": "size of the image that is pulled",
        "pull_rounds": "times that it is pulled and removed",
    }
