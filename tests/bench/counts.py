"""How much is measured: every count is an option of the command line."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Counts:
    """How much of everything; 0 leaves a part out."""

    rounds: int = 20
    starts: int = 5
    parallel: int = 10
    parallel_rounds: int = 5
    written_pods: int = 10
    populations: str = "20,50"
    lists: int = 10
    idle_seconds: float = 10.0
    kills: int = 3
    recorded: int = 1000
    pull_mib: int = 96
    pull_files: int = 3500
    pull_rounds: int = 3
    transfer_mib: int = 256
    transfer_rounds: int = 3
    waterfall: int = 10

    MEANINGS: ClassVar[dict[str, str]] = {
        "rounds": "pods made and removed one by one",
        "starts": "starts of a daemon that has no pods",
        "parallel": "pods made at once",
        "parallel_rounds": "times that so many pods are made at once",
        "written_pods": "pods made and removed while the disk's writes are counted",
        "populations": "running pods with which lists, memory, idle CPU and restarts are measured",
        "lists": "calls of each list",
        "idle_seconds": "seconds of idling",
        "kills": "times that a daemon is killed with each population",
        "recorded": "containers on record with which the lists are measured once more",
        "pull_mib": "size of the image that is pulled, of three layers",
        "pull_files": "its number of files",
        "pull_rounds": "times that it is pulled and removed",
        "transfer_mib": "bytes through exec and port-forward, there and back",
        "transfer_rounds": "times that so many are sent",
        "waterfall": "pods of which each step is timed (orlop's own log)",
    }

    def sizes(self) -> list[int]:
        """The populations, growing. Raises ValueError when they are not numbers or do not grow."""
        sizes = [int(part) for part in self.populations.split(",") if part]
        if sizes != sorted(set(sizes)) or min(sizes, default=1) < 1:
            raise ValueError(f"--populations {self.populations!r}: numbers that grow are wanted, such as 20,50,200")
        return sizes
