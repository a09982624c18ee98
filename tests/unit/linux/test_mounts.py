"""Bind, tmpfs, read-only, propagation and unmount with the real kernel."""

import errno
import os
import stat
from pathlib import Path

import pytest

from orlop.linux import mounts, syscalls

pytestmark = pytest.mark.root


def test_bind_directory_and_file(tmp_path: Path, private_mounts: None) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "f").write_text("text")
    (tmp_path / "dst").mkdir()
    (tmp_path / "file").touch()
    mounts.bind(str(tmp_path / "src"), str(tmp_path / "dst"))
    mounts.bind(str(tmp_path / "src" / "f"), str(tmp_path / "file"), readonly=True)
    assert (tmp_path / "dst" / "f").read_text() == "text"
    (tmp_path / "dst" / "new").touch()
    with pytest.raises(OSError, match="Read-only"):
        (tmp_path / "file").write_text("x")
    (tmp_path / "src" / "f").write_text("the source stays writable")


def test_bind_recursive_and_readonly(tmp_path: Path, private_mounts: None) -> None:
    src, flat, deep = (tmp_path / name for name in ("src", "flat", "deep"))
    for directory in (src / "inner", flat, deep):
        directory.mkdir(parents=True)
    mounts.tmpfs(str(src / "inner"))
    (src / "inner" / "f").touch()
    mounts.bind(str(src), str(flat))
    mounts.bind(str(src), str(deep), recursive=True, readonly=True)
    assert os.listdir(flat / "inner") == []
    assert os.listdir(deep / "inner") == ["f"]
    for directory in (deep, deep / "inner"):
        with pytest.raises(OSError, match="Read-only"):
            (directory / "x").touch()


def test_bind_errors_name_the_path(tmp_path: Path, private_mounts: None) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("dir")
    with pytest.raises(FileNotFoundError, match="nothing"):
        mounts.bind(str(tmp_path / "nothing"), str(tmp_path / "dir"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        mounts.bind(str(tmp_path / "dir"), str(tmp_path / "nowhere"))
    with pytest.raises(OSError, match="/dir"):
        mounts.bind(str(tmp_path / "file"), str(tmp_path / "dir"))
    with pytest.raises(OSError, match="/link"):
        mounts.bind(str(tmp_path / "dir"), str(tmp_path / "link"))
    assert not [entry for entry in mounts.mount_table() if entry.mountpoint.startswith(str(tmp_path))]


def test_tmpfs_options(tmp_path: Path, private_mounts: None) -> None:
    mounts.tmpfs(str(tmp_path), size=1 << 20, mode=0o1770, noexec=True, source="shm")
    entry = mounts.mount_table()[-1]
    assert (entry.mountpoint, entry.fstype, entry.source) == (str(tmp_path), "tmpfs", "shm")
    assert {"nosuid", "nodev", "noexec"} <= set(entry.options)
    assert "size=1024k" in entry.super_options
    assert stat.S_IMODE(os.stat(tmp_path).st_mode) == 0o1770
    with pytest.raises(OSError, match="No space left"):
        (tmp_path / "f").write_bytes(b"x" * (2 << 20))


def test_tmpfs_refuses_with_the_kernels_words(tmp_path: Path, private_mounts: None) -> None:
    with pytest.raises(OSError, match=r"tmpfs: .*size=-1") as caught:
        mounts.tmpfs(str(tmp_path), size=-1)
    assert caught.value.filename == str(tmp_path)


def test_remount_both_ways(tmp_path: Path, private_mounts: None) -> None:
    mounts.tmpfs(str(tmp_path))
    (tmp_path / "inner").mkdir()
    mounts.tmpfs(str(tmp_path / "inner"))
    mounts.remount(str(tmp_path), readonly=True)
    (tmp_path / "inner" / "f").touch()
    with pytest.raises(OSError, match="Read-only"):
        (tmp_path / "f").touch()
    mounts.remount(str(tmp_path), readonly=True, recursive=True)
    with pytest.raises(OSError, match="Read-only"):
        (tmp_path / "inner" / "g").touch()
    mounts.remount(str(tmp_path), readonly=False, recursive=True)
    (tmp_path / "inner" / "g").touch()
    (tmp_path / "f").touch()


def test_propagation_changes(tmp_path: Path, private_mounts: None) -> None:
    mounts.tmpfs(str(tmp_path))
    path = str(tmp_path)
    mounts.make_shared(path)
    assert mounts.propagation_of(path)[1][0].startswith("shared:")
    (tmp_path / "peer").mkdir()
    mounts.bind(path, str(tmp_path / "peer"))
    mounts.make_private(path, recursive=True)
    assert mounts.propagation_of(path)[1] == ()


def test_only_mount_points_have_properties(tmp_path: Path, private_mounts: None) -> None:
    for change in (mounts.make_shared, mounts.make_private):
        with pytest.raises(OSError, match="not a mount point"):
            change(str(tmp_path))
    with pytest.raises(OSError, match="not a mount point"):
        mounts.remount(str(tmp_path), readonly=True)
    with pytest.raises(FileNotFoundError, match="none"):
        mounts.make_shared(str(tmp_path / "none"))


def test_unmount_is_idempotent(tmp_path: Path, private_mounts: None) -> None:
    target = tmp_path / "m"
    target.mkdir()
    mounts.tmpfs(str(target), source="below")
    mounts.tmpfs(str(target), source="above")
    mounts.unmount(str(target))
    assert mounts.mount_table()[-1].source == "below"
    for _ in range(2):
        mounts.unmount(str(target))
        assert not mounts.is_mountpoint(str(target))
    mounts.unmount(str(tmp_path / "none"))
    (tmp_path / "f").touch()
    mounts.unmount(str(tmp_path / "f" / "below"))


def test_unmount_busy_and_detached(tmp_path: Path, private_mounts: None) -> None:
    mounts.tmpfs(str(tmp_path))
    with open(tmp_path / "open", "w") as held:
        with pytest.raises(OSError, match=str(tmp_path)) as caught:
            mounts.unmount(str(tmp_path), detach=False)
        assert caught.value.errno == errno.EBUSY
        mounts.unmount(str(tmp_path))
        assert not mounts.is_mountpoint(str(tmp_path))
        held.write("still there")


def test_unmount_does_not_follow_a_link(tmp_path: Path, private_mounts: None) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "link").symlink_to("m")
    mounts.tmpfs(str(tmp_path / "m"))
    mounts.unmount(str(tmp_path / "link"))
    assert mounts.is_mountpoint(str(tmp_path / "m"))


def test_unmount_below_takes_the_whole_tree_only(tmp_path: Path, private_mounts: None) -> None:
    for name in ("a", "ab"):
        (tmp_path / name).mkdir()
        mounts.tmpfs(str(tmp_path / name))
    for inner in ("x", "x y"):
        (tmp_path / "a" / inner).mkdir()
        mounts.tmpfs(str(tmp_path / "a" / inner))
        mounts.tmpfs(str(tmp_path / "a" / inner))
    mounts.unmount_below(str(tmp_path / "a"))
    mounts.unmount_below(str(tmp_path / "a"))
    left = [entry.mountpoint for entry in mounts.mount_table() if entry.mountpoint.startswith(str(tmp_path))]
    assert left == [str(tmp_path / "ab")]


def test_no_descriptor_is_left(tmp_path: Path, private_mounts: None) -> None:
    before = os.listdir("/proc/self/fd")
    mounts.tmpfs(str(tmp_path))
    (tmp_path / "a").mkdir()
    mounts.bind(str(tmp_path), str(tmp_path / "a"), readonly=True)
    for bad in (lambda: mounts.bind("/none", "/proc"), lambda: mounts.tmpfs("/none"), lambda: syscalls.fsopen("nofs")):
        with pytest.raises(OSError):
            bad()
    assert os.listdir("/proc/self/fd") == before
