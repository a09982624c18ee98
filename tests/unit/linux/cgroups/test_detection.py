"""Which version a mount table means."""

import errno
from pathlib import Path

import pytest

from orlop.linux.cgroups.detection import choose, detect
from orlop.linux.mount_table import parse

V2 = "30 24 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
HYBRID = """30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/lib/agent,name=systemd
34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
35 24 0:31 / /elsewhere/pids rw - cgroup cgroup rw,pids
"""


def test_unified() -> None:
    assert choose("/sys/fs/cgroup", parse(V2)).version == 2


def test_hybrid_is_v1_with_comounted_controllers() -> None:
    hierarchy = choose("/sys/fs/cgroup/", parse(HYBRID))
    assert hierarchy.version == 1
    assert hierarchy.controllers == {"cpu", "cpuacct", "memory"}


def test_hybrid_moves_a_process_in_systemds_tree_as_well(tmp_path: Path) -> None:
    trees = {name: tmp_path / name for name in ("memory", "unified")}
    lines = [f"31 30 0:27 / {trees['memory']} rw - cgroup cgroup rw,memory"]
    lines += [f"34 30 0:30 / {trees['unified']} rw - cgroup2 cgroup2 rw"]
    for tree in trees.values():
        (tree / "a").mkdir(parents=True)
        (tree / "a" / "cgroup.procs").touch()
    choose(str(tmp_path), parse("\n".join(lines) + "\n")).move("/a", 7)
    assert [(tree / "a" / "cgroup.procs").read_text() for tree in trees.values()] == ["7", "7"]


def test_a_later_mount_covers_the_earlier() -> None:
    assert choose("/sys/fs/cgroup", parse(HYBRID + V2)).version == 2


def test_none() -> None:
    with pytest.raises(OSError, match="/nowhere") as caught:
        choose("/nowhere", parse(HYBRID + V2))
    assert caught.value.errno == errno.ENODEV


def test_this_machine_has_cgroups() -> None:
    hierarchy = detect()
    assert hierarchy.version in (1, 2)
    assert "memory" in hierarchy.controllers
