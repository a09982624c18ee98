"""Nothing leads out of a root: absolute links, "..", magic links, links to nothing."""

import errno
import os
import stat
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


def test_ensure_dir_makes_what_is_missing(root: Path) -> None:
    old_umask = os.umask(0o077)
    try:
        made = paths.ensure_dir_in_root(str(root), "/absolute/a/b", 0o751)
    finally:
        os.umask(old_umask)
    assert made == str(root / "etc" / "a" / "b")
    for path in ("a", "a/b"):
        assert stat.S_IMODE((root / "etc" / path).stat().st_mode) == 0o751
    (root / "etc" / "a").chmod(0o700)
    assert paths.ensure_dir_in_root(str(root), "etc/a", 0o755) == str(root / "etc" / "a")
    assert stat.S_IMODE((root / "etc" / "a").stat().st_mode) == 0o700


@pytest.mark.root
def test_ensure_dir_owner_is_for_new_ones_only(root: Path) -> None:
    paths.ensure_dir_in_root(str(root), "etc/owned", owner=(1234, 5678))
    info = (root / "etc" / "owned").stat()
    assert (info.st_uid, info.st_gid) == (1234, 5678)
    assert (root / "etc").stat().st_uid == os.getuid()


@pytest.mark.parametrize(
    ("link", "target", "made"),
    [
        ("dangling", "/var/data", "var/data/x"),
        ("dangling", "var/data", "var/data/x"),
        ("dangling", "../../../var", "var/x"),
        ("etc/dangling", "sub/dir", "etc/sub/dir/x"),
        ("etc/dangling", "../sub", "sub/x"),
    ],
)
def test_links_to_nothing_get_their_target_inside(root: Path, link: str, target: str, made: str) -> None:
    (root / link).symlink_to(target)
    assert paths.ensure_dir_in_root(str(root), f"{link}/x") == str(root / made)
    assert sorted(os.listdir(root.parent)) == ["outside", "root"]
    assert os.listdir(root.parent / "outside") == ["secret"]


def test_outward_links_get_a_target_inside(root: Path) -> None:
    outside = root.parent / "outside"
    made = paths.ensure_dir_in_root(str(root), "outward/x")
    assert made == f"{root}{outside}/x"
    assert os.listdir(outside) == ["secret"]


def test_ensure_dir_refuses_files_and_loops(root: Path) -> None:
    with pytest.raises(NotADirectoryError, match="passwd"):
        paths.ensure_dir_in_root(str(root), "etc/passwd")
    with pytest.raises(NotADirectoryError, match="passwd"):
        paths.ensure_dir_in_root(str(root), "etc/passwd/below")
    with pytest.raises(OSError) as caught:
        paths.ensure_dir_in_root(str(root), "loop/x")
    assert caught.value.errno == errno.ELOOP


def test_circles_of_dangling_links_end(root: Path) -> None:
    (root / "a").symlink_to("b/x")
    (root / "b").symlink_to("a/y")
    with pytest.raises(OSError) as caught:
        paths.ensure_dir_in_root(str(root), "a/z")
    assert caught.value.errno == errno.ELOOP


def test_ensure_file(root: Path) -> None:
    assert paths.ensure_file_in_root(str(root), "etc/passwd") == str(root / "etc" / "passwd")
    assert (root / "etc" / "passwd").read_text() == "inside"
    made = paths.ensure_file_in_root(str(root), "/absolute/conf.d/file", 0o600)
    assert made == str(root / "etc" / "conf.d" / "file")
    assert stat.S_ISREG(os.stat(made).st_mode)
    (root / "dangling").symlink_to("/etc/later")
    with pytest.raises(OSError, match="dangling") as caught:
        paths.ensure_file_in_root(str(root), "dangling")
    assert caught.value.errno == errno.ELOOP
    with pytest.raises(IsADirectoryError):
        paths.ensure_file_in_root(str(root), "new/..")


def test_no_descriptor_is_left(root: Path) -> None:
    before = os.listdir("/proc/self/fd")
    paths.ensure_dir_in_root(str(root), "deep/er/and/deeper")
    paths.ensure_file_in_root(str(root), "deep/file")
    for bad in ("loop", "none", "climbing/secret"):
        with pytest.raises(OSError):
            paths.resolve_in_root(str(root), bad)
    assert os.listdir("/proc/self/fd") == before
