"""Whether the OOM killer was at work in a container that has ended: the kernel's counts, kept apart by container.

systemd removes a scope as soon as it is empty, often before conmon or we have read its count. On cgroup v2 the parent
remembers: what it counts beyond its living children happened in those that are gone. Each exit takes from that what is
new since the last look at the same parent. Two containers of one pod that are killed in the same moment may share it.
"""

import os

from orlop.model.container import ContainerRecord
from orlop.services.deck import Deck

KILLED = 128 + 9


def watch(deck: Deck, record: ContainerRecord) -> None:
    """Call before a container starts, and for one that is found running: kills until now are not its own."""
    parent = os.path.dirname(record.cgroup)
    deck.removed_oom_kills[parent] = deck.hierarchy.removed_oom_kills(parent)


def killed(deck: Deck, record: ContainerRecord, exit_code: int) -> bool:
    """Whether it lost a process to the OOM killer. To be asked once for each exit, whatever its code."""
    parent = os.path.dirname(record.cgroup)
    known = deck.removed_oom_kills.get(parent)
    kills = deck.hierarchy.oom_kills(record.cgroup)
    if kills or deck.hierarchy.exists(record.cgroup):
        if known is not None:
            deck.removed_oom_kills[parent] = known + kills  # it will soon be among the removed
        return kills > 0
    removed = deck.removed_oom_kills[parent] = deck.hierarchy.removed_oom_kills(parent)
    # The parent may be shared with others, so a container that ended by itself is not suspected.
    return exit_code == KILLED and known is not None and removed > known
