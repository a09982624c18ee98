"""Nothing leads out of a root: absolute links, "..", magic links, links to nothing."""

import errno
import os
from pathlib import Path

import pytest

from orlop.linux import paths


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root filesystem beside a directory that must not be reached."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "passwd").write_text("inside")
    (root / "absolute").symlink_to("/etc")
    (root / "climbing").symlink_to("../../../../outside")
    (root / "outward").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to("loop")
    return root


def _read(root: Path, path: str) -> str:
    with open(paths.open_in_root(str(root), path, os.O_RDONLY)) as file:
        return file.read()


@pytest.mark.parametrize(
    "path", ["etc/passwd", "/etc/passwd", "absolute/passwd", "../../etc/passwd", "/etc/../etc/passwd"]
)
def test_all_ways_lead_to_the_inside(root: Path, path: str) -> None:
    assert _read(root, path) == "inside"
    assert paths.resolve_in_root(str(root), path) == str(root / "etc" / "passwd")


@pytest.mark.parametrize("path", ["climbing/secret", "outward/secret", "../outside/secret"])
def test_the_outside_is_not_there(root: Path, path: str) -> None:
    with pytest.raises(FileNotFoundError, match="secret"):
        _read(root, path)


def test_only_regular_files_are_opened_to_be_read(root: Path) -> None:
    os.mkfifo(root / "etc" / "fifo")
    with open(paths.open_file_in_root(str(root), "absolute/passwd")) as file:
        assert file.read() == "inside"
    for name in ("etc/fifo", "etc"):
        with pytest.raises(OSError, match="not a regular file") as caught:
            paths.open_file_in_root(str(root), name)
        assert caught.value.filename == str(root / name)
    with pytest.raises(FileNotFoundError):
        paths.open_file_in_root(str(root), "outward/secret")


def test_loops_and_magic_links(root: Path) -> None:
    with pytest.raises(OSError, match="loop") as caught:
        paths.open_in_root(str(root), "loop", os.O_RDONLY)
    assert caught.value.errno == errno.ELOOP
    with pytest.raises(OSError) as magic:
        paths.open_in_root("/proc", "self/root", os.O_PATH)
    assert magic.value.errno == errno.ELOOP


def test_root_itself_and_missing_root(root: Path) -> None:
    for path in ("", "/", ".", ".."):
        assert paths.resolve_in_root(str(root), path) == str(root)
    with pytest.raises(FileNotFoundError, match="none"):
        paths.resolve_in_root(str(root / "none"), "x")


def test_create_inside(root: Path) -> None:
    descriptor = paths.open_in_root(str(root), "absolute/new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(descriptor)
    assert (root / "etc" / "new").exists()


def test_no_descriptor_is_left(root: Path) -> None:
    before = os.listdir("/proc/self/fd")
    os.close(paths.open_file_in_root(str(root), "etc/passwd"))
    for bad in ("loop", "none", "climbing/secret"):
        with pytest.raises(OSError):
            paths.resolve_in_root(str(root), bad)
    assert os.listdir("/proc/self/fd") == before
