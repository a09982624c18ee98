"""OOM kills, told apart by container also where the container's cgroup has gone already; a tree as the kernel's v2."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from orlop.linux.cgroups.v2 import UnifiedHierarchy
from orlop.model.container import ContainerRecord
from orlop.services import oom
from orlop.services.deck import Deck

POD = "/kubepods.slice/pod.slice"
SIGKILLED = 137


class Tree:
    """A pod's slice with scopes; like the kernel, a slice counts for all that has ever been below it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.deck = cast("Deck", SimpleNamespace(hierarchy=UnifiedHierarchy(str(root)), removed_oom_kills={}))
        self._counts: dict[str, int] = {}
        self._kills(POD, 0)

    def start(self, name: str) -> ContainerRecord:
        record = cast("ContainerRecord", SimpleNamespace(cgroup=f"{POD}/{name}.scope"))
        self._kills(record.cgroup, 0)
        oom.watch(self.deck, record)
        return record

    def oom_kill(self, record: ContainerRecord) -> None:
        self._kills(record.cgroup, 1)
        self._kills(POD, 1)

    def remove(self, record: ContainerRecord) -> None:
        shutil.rmtree(f"{self.root}{record.cgroup}")

    def _kills(self, cgroup: str, more: int) -> None:
        self._counts[cgroup] = self._counts.get(cgroup, 0) + more
        directory = Path(f"{self.root}{cgroup}")
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "memory.events").write_text(f"low 0\nmax 9\noom 1\noom_kill {self._counts[cgroup]}\n")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_count_that_is_there_is_read(tree: Tree) -> None:
    one, other = tree.start("one"), tree.start("other")
    tree.oom_kill(one)
    assert oom.killed(tree.deck, one, 1)
    assert not oom.killed(tree.deck, other, SIGKILLED)


def test_the_pod_remembers_what_a_removed_scope_counted(tree: Tree) -> None:
    one, other = tree.start("one"), tree.start("other")
    tree.oom_kill(one)
    tree.remove(one)
    assert oom.killed(tree.deck, one, SIGKILLED)
    tree.remove(other)
    assert not oom.killed(tree.deck, other, SIGKILLED)


def test_a_count_that_was_read_is_not_told_again_of_another(tree: Tree) -> None:
    one, other = tree.start("one"), tree.start("other")
    tree.oom_kill(one)
    assert oom.killed(tree.deck, one, SIGKILLED)
    for record in (one, other):
        tree.remove(record)
    assert not oom.killed(tree.deck, other, SIGKILLED)


def test_kills_before_the_start_or_below_a_living_neighbour_are_not_its_own(tree: Tree) -> None:
    before, neighbour = tree.start("before"), tree.start("neighbour")
    tree.oom_kill(before)
    tree.remove(before)
    one = tree.start("one")
    tree.oom_kill(neighbour)
    tree.remove(one)
    assert not oom.killed(tree.deck, one, SIGKILLED)


def test_who_ended_by_itself_is_not_suspected(tree: Tree) -> None:
    one = tree.start("one")
    tree.oom_kill(one)
    tree.remove(one)
    assert not oom.killed(tree.deck, one, 0)


def test_nothing_is_guessed_of_a_container_whose_start_nobody_saw(tree: Tree) -> None:
    one = tree.start("one")
    tree.deck.removed_oom_kills.clear()
    tree.oom_kill(one)
    tree.remove(one)
    assert not oom.killed(tree.deck, one, SIGKILLED)
