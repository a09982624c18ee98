"""What a container has written and deleted: packed out of an upper directory, and put into a fresh one."""

import os
import stat
import tarfile
from pathlib import Path

import pytest

from orlop.engine.storage.changes import Changes, apply, pack
from orlop.engine.storage.whiteouts import OPAQUE
from orlop.model.errors import InvalidArgument

pytestmark = pytest.mark.root


def _whiteout(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))


@pytest.fixture
def lower(tmp_path: Path) -> Path:
    lower = tmp_path / "lower"
    for name in ("etc/a", "etc/b", "bin/sh", "var/lib/x", "var/lib/sub/y"):
        (lower / name).parent.mkdir(parents=True, exist_ok=True)
        (lower / name).write_text(name)
    os.chmod(lower / "etc", 0o750)
    return lower


@pytest.fixture
def upper(tmp_path: Path) -> Path:
    upper = tmp_path / "upper"
    (upper / "etc").mkdir(parents=True)
    (upper / "etc/new").write_text("new")
    os.chown(upper / "etc/new", 7, 8)
    os.setxattr(upper / "etc/new", "user.note", b"\xff\x00")
    _whiteout(upper / "etc/a")
    os.symlink("/elsewhere", upper / "etc/link")
    os.link(upper / "etc/new", upper / "etc/same")
    (upper / "var/lib/sub").mkdir(parents=True)
    os.setxattr(upper / "var/lib", OPAQUE, b"y")
    (upper / "var/lib/fresh").write_text("fresh")
    (upper / "run").mkdir()
    (upper / "run/left-out").write_text("x")
    return upper


def test_an_upper_directory_becomes_a_tar_and_a_list(tmp_path: Path, upper: Path, lower: Path) -> None:
    tar_path = str(tmp_path / "diff.tar")
    # In a directory that hides what was below, and in those inside it, everything else has gone.
    assert pack(str(upper), [str(lower)], tar_path, {"/run"}) == ["/etc/a", "/var/lib/x", "/var/lib/sub/y"]
    with tarfile.open(tar_path) as tar:
        assert {member.name for member in tar} == {
            "etc", "etc/new", "etc/same", "etc/link", "var", "var/lib", "var/lib/sub", "var/lib/fresh",
        }  # fmt: skip
    assert os.stat(tar_path).st_mode & 0o777 == 0o600


async def test_it_comes_back_as_it_was(tmp_path: Path, upper: Path, lower: Path) -> None:
    tar_path, target = str(tmp_path / "diff.tar"), tmp_path / "target"
    deleted = pack(str(upper), [str(lower)], tar_path, {"/run"})
    target.mkdir()
    await apply(Changes(tar_path, deleted), str(target), [str(lower)])
    new = os.stat(target / "etc/new")
    assert (new.st_uid, new.st_gid, new.st_nlink) == (7, 8, 2)
    assert os.getxattr(target / "etc/new", "user.note") == b"\xff\x00"
    assert os.readlink(target / "etc/link") == "/elsewhere"
    for path in ("etc/a", "var/lib/x", "var/lib/sub/y"):
        status = os.lstat(target / path)
        assert stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
    assert (target / "var/lib/fresh").read_text() == "fresh"


async def test_deletions_alone_take_after_the_image(tmp_path: Path, lower: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    await apply(Changes("", ["/etc/b", "/bin/sh"]), str(target), [str(lower)])
    assert os.stat(target / "etc").st_mode & 0o777 == 0o750
    assert stat.S_ISCHR(os.lstat(target / "bin/sh").st_mode)


@pytest.mark.parametrize("path", ["", "/", "etc/a", "/../x", "/etc/../../x", "/a\0b"])
async def test_paths_that_lead_elsewhere_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidArgument, match="is no path in a container"):
        await apply(Changes("", [path]), str(tmp_path), [])


async def test_a_link_is_not_followed_out_of_the_root(tmp_path: Path) -> None:
    target, outside = tmp_path / "target", tmp_path / "outside"
    outside.mkdir()
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        link = tarfile.TarInfo("etc")
        link.type, link.linkname = tarfile.SYMTYPE, str(outside)
        tar.addfile(link)
    target.mkdir()
    with pytest.raises(InvalidArgument, match="below what is no directory"):
        await apply(Changes(str(tmp_path / "x.tar"), ["/etc/passwd"]), str(target), [])
    assert os.listdir(outside) == []


async def test_a_tar_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("../../escaped"))
    (tmp_path / "target").mkdir()
    with pytest.raises(InvalidArgument, match="leads out of the layer's root"):
        await apply(Changes(str(tmp_path / "x.tar")), str(tmp_path / "target"), [])
