"""Atomic writes, bounded reads and the removal of hostile trees."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from orlop.linux import files, mounts


def test_write_atomic_replaces_and_sets_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_text("old")
    old_umask = os.umask(0o077)
    try:
        files.write_atomic(str(path), "new", 0o644, sync=True)
    finally:
        os.umask(old_umask)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert os.listdir(tmp_path) == ["a.conf"]


def test_write_atomic_leaves_nothing_when_it_fails(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError):
        files.write_atomic(str(tmp_path / "taken"), b"x")
    assert os.listdir(tmp_path) == ["taken"]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        files.write_atomic(str(tmp_path / "nowhere" / "x"), b"x")


def test_readers_never_see_a_part(tmp_path: Path) -> None:
    path = str(tmp_path / "f")
    contents = [bytes([letter]) * 100_000 for letter in b"ab"]
    files.write_atomic(path, contents[0])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for content in contents:
                files.write_atomic(path, content)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(100):
            assert files.read_bytes(path) in contents
    finally:
        stop.set()
        writer.join()


def test_read_limit_and_defaults(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"\xff" + b"x" * 99)
    assert files.read_bytes(str(path), limit=100) == path.read_bytes()
    with pytest.raises(OSError, match="larger than 99 bytes") as caught:
        files.read_bytes(str(path), limit=99)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))
    assert files.read_text(str(path))[0] == "�"
    assert files.read_text_or(str(tmp_path / "none"), "default") == "default"
    with pytest.raises(IsADirectoryError) as directory:
        files.read_text(str(tmp_path))
    assert directory.value.filename == str(tmp_path)


def test_write_value_names_file_and_value(tmp_path: Path) -> None:
    missing = str(tmp_path / "cpu.weight")
    with pytest.raises(FileNotFoundError, match=r"cannot write '77'.*cpu\.weight"):
        files.write_value(missing, "77")
    assert not os.path.exists(missing)
    with pytest.raises(OSError, match="cannot write 'nonsense'") as caught:
        files.write_value("/proc/self/oom_score_adj", "nonsense")
    assert caught.value.errno == errno.EINVAL


def test_write_all_goes_on_after_short_writes() -> None:
    reader, writer = os.pipe()
    data = os.urandom(300_000)
    got = bytearray()

    def read() -> None:
        while chunk := os.read(reader, 1000):
            got.extend(chunk)

    thread = threading.Thread(target=read)
    thread.start()
    files.write_all(writer, data)
    os.close(writer)
    thread.join()
    os.close(reader)
    assert got == data


def test_ensure_and_remove_are_idempotent(tmp_path: Path) -> None:
    directory, file = str(tmp_path / "a" / "b"), str(tmp_path / "f")
    for _ in range(2):
        files.ensure_dir(directory, 0o700)
        files.ensure_file(file)
    assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
    assert [files.remove_file(file), files.remove_file(file)] == [True, False]
    assert [files.remove_dir(directory), files.remove_dir(directory)] == [True, False]
    files.ensure_dir(directory, 0o755)
    assert [files.remove_tree(str(tmp_path / "a")), files.remove_tree(str(tmp_path / "a"))] == [True, False]


def test_remove_tree_does_not_follow_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").touch()
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "link").symlink_to(outside)
    (tree / "up").symlink_to("..")
    (tmp_path / "to-tree").symlink_to(outside)
    assert files.remove_tree(str(tree))
    assert files.remove_tree(str(tmp_path / "to-tree"))
    assert os.listdir(tmp_path) == ["outside"]
    assert os.listdir(outside) == ["keep"]


def test_remove_tree_takes_any_depth_and_width(tmp_path: Path) -> None:
    """Deeper than PATH_MAX and the interpreter's recursion limit, wider than the limit of open files."""
    tree = tmp_path / "tree"
    tree.mkdir()
    here = os.open(tree, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("deeper", dir_fd=here)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    for number in range(300):
        (tree / f"d{number}" / "x" / "y").mkdir(parents=True)
        (tree / f"d{number}" / "x" / "f").touch()
    before = len(os.listdir("/proc/self/fd"))
    assert files.remove_tree(str(tree))
    assert not tree.exists()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.root
def test_remove_tree_names_the_mount_in_its_way(tmp_path: Path, private_mounts: None) -> None:
    tree = tmp_path / "tree"
    (tree / "a" / "mounted").mkdir(parents=True)
    (tree / "a" / "other" / "deep").mkdir(parents=True)
    mounts.tmpfs(str(tree / "a" / "mounted"))
    with pytest.raises(OSError, match="a/mounted") as caught:
        files.remove_tree(str(tree))
    assert caught.value.errno == errno.EBUSY
    assert not (tree / "a" / "other").exists()
    mounts.unmount_below(str(tree))
    assert files.remove_tree(str(tree))


def test_sync_of_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    files.sync_directory(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        files.sync_directory(str(tmp_path / "none"))
