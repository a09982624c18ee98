"""Figures of filesystems and trees."""

import os
import subprocess
from pathlib import Path

import pytest

from orlop.linux import fsinfo, mounts


@pytest.mark.root
def test_filesystem_usage_counts(tmp_path: Path, private_mounts: None) -> None:
    mounts.tmpfs(str(tmp_path), size=1 << 20)
    before = fsinfo.filesystem_usage(str(tmp_path))
    assert before.total == 1 << 20
    (tmp_path / "f").write_bytes(b"x" * 8192)
    after = fsinfo.filesystem_usage(str(tmp_path))
    assert after.used - before.used == 8192
    assert before.available - after.available == 8192
    assert after.inodes_used - before.inodes_used == 1
    assert after.inodes == before.inodes > 1
    assert fsinfo.filesystem_type(str(tmp_path / "f")) == "tmpfs"


@pytest.mark.root
def test_tree_usage_stays_on_its_filesystem(tmp_path: Path, private_mounts: None) -> None:
    tree = tmp_path / "tree"
    (tree / "mounted").mkdir(parents=True)
    (tree / "f").write_bytes(b"x" * 8192)
    alone = fsinfo.tree_usage(str(tree))
    assert alone.inodes == 3
    mounts.tmpfs(str(tree / "mounted"))
    (tree / "mounted" / "big").write_bytes(b"x" * 100_000)
    assert fsinfo.tree_usage(str(tree)).inodes == 2


def test_tree_usage_agrees_with_du(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for number in range(20):
        directory = tree / f"d{number}" / "inner"
        directory.mkdir(parents=True)
        (directory / "f").write_bytes(b"x" * number * 1000)
    os.link(tree / "d9" / "inner" / "f", tree / "hard")
    (tree / "soft").symlink_to(tmp_path)
    with open(tree / "sparse", "wb") as sparse:
        sparse.truncate(10 << 20)
    usage = fsinfo.tree_usage(str(tree))
    du = subprocess.run(["du", "-s", "-B1", str(tree)], capture_output=True, text=True, check=True)
    inodes = subprocess.run(["du", "-s", "--inodes", str(tree)], capture_output=True, text=True, check=True)
    assert usage.bytes == int(du.stdout.split()[0])
    assert usage.inodes == int(inodes.stdout.split()[0])


def test_a_small_tree_is_counted_the_same_and_a_larger_one_not_at_all(tmp_path: Path) -> None:
    inner = tmp_path / "upper" / "etc"
    inner.mkdir(parents=True)
    (inner / "a").write_bytes(bytes(10_000))
    os.link(inner / "a", inner / "b")
    tree = str(tmp_path / "upper")
    assert fsinfo.small_tree_usage(tree, 4) == fsinfo.tree_usage(tree)
    assert fsinfo.small_tree_usage(tree, 3) is None  # both links are looked at
    with pytest.raises(FileNotFoundError):
        fsinfo.small_tree_usage(str(tmp_path / "none"), 4)


def test_tree_usage_of_deep_trees(tmp_path: Path) -> None:
    """A container cannot hide its files by depth: deeper than PATH_MAX allows in one path."""
    tree = tmp_path / "tree"
    tree.mkdir()
    here = os.open(tree, os.O_RDONLY)
    name = "long-name-" * 10
    for _ in range(120):
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    before = os.listdir("/proc/self/fd")
    assert fsinfo.tree_usage(str(tree)).inodes == 122
    assert os.listdir("/proc/self/fd") == before
    subprocess.run(["rm", "-r", str(tree)], check=True)


def test_missing_and_linked_trees(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        fsinfo.tree_usage(str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError, match="none"):
        fsinfo.filesystem_usage(str(tmp_path / "none"))
    (tmp_path / "link").symlink_to("/")
    with pytest.raises(OSError, match="link"):
        fsinfo.tree_usage(str(tmp_path / "link"))
