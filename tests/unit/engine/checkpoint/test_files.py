"""A checkpoint's files: archives that are whole, and archives that come from elsewhere."""

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orlop.engine.checkpoint import files
from orlop.engine.checkpoint.criu import Criu, last_errors
from orlop.model.errors import InvalidArgument, Unsupported


def _checkpoint(directory: Path) -> Path:
    (directory / files.IMAGES).mkdir(parents=True)
    (directory / files.IMAGES / "inventory.img").write_bytes(b"\x01\x02")
    files.write_json(str(directory), files.CONFIG, files.ConfigDump(id="c", name="web", rootfs_image_ref="sha256:x"))
    (directory / files.SPEC).write_text('{"mounts": [{"destination": "/v", "type": "bind"}], "linux": {}}')
    (directory / files.DIFF).write_bytes(b"diff")
    (directory / files.DELETED).write_text('["/gone"]')
    (directory / files.LOG).write_text("log")
    return directory


def test_what_is_packed_is_unpacked(tmp_path: Path) -> None:
    source, archive, target = _checkpoint(tmp_path / "a"), str(tmp_path / "c.tar"), str(tmp_path / "b")
    files.pack(str(source), archive)
    assert os.stat(archive).st_mode & 0o777 == 0o600
    files.unpack(archive, target)
    dump = files.read_config(target)
    assert (dump.id, dump.name, dump.rootfs_image_ref) == ("c", "web", "sha256:x")
    assert b'"rootfsImageRef":"sha256:x"' in (tmp_path / "b" / files.CONFIG).read_bytes()
    assert files.read_spec(target).mounts == [{"destination": "/v", "type": "bind"}]
    assert files.read_deleted(target) == ["/gone"]
    assert (tmp_path / "b" / files.IMAGES / "inventory.img").read_bytes() == b"\x01\x02"
    # What is for people is not needed to restore.
    assert not (tmp_path / "b" / files.LOG).exists()


def test_headers_without_end(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE
    (tmp_path / "c.tar").write_bytes(header.tobuf(tarfile.USTAR_FORMAT) * 2000)
    with pytest.raises(InvalidArgument, match="is no checkpoint"):
        files.unpack(str(tmp_path / "c.tar"), str(tmp_path / "b"))


def test_a_directory_is_copied_and_stays(tmp_path: Path) -> None:
    source = _checkpoint(tmp_path / "a")
    os.symlink("/etc/passwd", source / files.IMAGES / "link.img")
    files.copy(str(source), str(tmp_path / "b"))
    assert sorted(os.listdir(tmp_path / "b" / files.IMAGES)) == ["inventory.img"]
    assert (source / files.DIFF).read_bytes() == (tmp_path / "b" / files.DIFF).read_bytes()


def test_an_archive_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.pack(str(_checkpoint(tmp_path / "a")), str(tmp_path / "none" / "c.tar"))
    os.mkdir(tmp_path / "c.tar")
    with pytest.raises(IsADirectoryError):
        files.pack(str(tmp_path / "a"), str(tmp_path / "c.tar"))
    assert sorted(os.listdir(tmp_path)) == ["a", "c.tar"]


def _tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> str:
    with tarfile.open(path, "w") as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return str(path)


def test_members_that_lead_elsewhere_are_left_out(tmp_path: Path) -> None:
    link = tarfile.TarInfo("checkpoint/link.img")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hostile = [
        (tarfile.TarInfo("../config.dump"), b"out"),
        (tarfile.TarInfo("/etc/cron.d/x"), b"out"),
        (tarfile.TarInfo("checkpoint/../../x"), b"out"),
        (tarfile.TarInfo("checkpoint/.."), b"out"),
        (tarfile.TarInfo("other"), b"out"),
        (link, b""),
        (tarfile.TarInfo("./checkpoint/a.img"), b"in"),
    ]
    target = tmp_path / "deep" / "b"
    files.unpack(_tar(tmp_path / "x.tar", *hostile), str(target))
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["deep/b/checkpoint/a.img", "x.tar"]


@pytest.mark.parametrize("data", [b"", b"\0" * 2048, b"x" * 2048, b"\x1f\x8b\x08" + b"x" * 100])
def test_what_is_no_checkpoint_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(data)
    with pytest.raises(InvalidArgument, match=r"is no checkpoint|it is no checkpoint of a container"):
        files.unpack(str(tmp_path / "x.tar"), str(tmp_path / "b"))
        files.read_config(str(tmp_path / "b"))


def test_names_that_come_twice_and_json_that_is_none_are_told(tmp_path: Path) -> None:
    twice = [(tarfile.TarInfo("config.dump"), b"{}"), (tarfile.TarInfo("./config.dump"), b"{}")]
    with pytest.raises(InvalidArgument, match="is no checkpoint"):
        files.unpack(_tar(tmp_path / "x.tar", *twice), str(tmp_path / "b"))
    (tmp_path / "b" / files.SPEC).write_text('{"mounts": 5}')
    with pytest.raises(InvalidArgument, match=r"the checkpoint's spec.dump cannot be used: .*mounts"):
        files.read_spec(str(tmp_path / "b"))
    assert files.read_deleted(str(tmp_path / "b")) == []


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=3000))
def test_no_bytes_do_more_than_be_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(data)
    target = tmp_path / "b"
    try:
        files.unpack(str(tmp_path / "x.tar"), str(target))
    except InvalidArgument:
        pass
    assert {path.name for path in tmp_path.iterdir()} <= {"x.tar", "b"}


async def test_criu_that_is_not_there_or_does_not_work_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match=r"criu is not installed: install it, or set checkpoint\.criu"):
        await Criu("").require()
    program = tmp_path / "criu"
    program.write_text("#!/bin/sh\n[ $1 = check ] && { echo 'no kernel' >&2; exit 1; }\necho Version: 3.0\n")
    program.chmod(0o755)
    with pytest.raises(Unsupported, match=r"criu does not work on this node .*no kernel"):
        await Criu(str(program)).require()
    program.write_text("#!/bin/sh\necho Version: 4.1\n")
    assert await Criu(str(program)).require() == "4.1"
    assert Criu(str(program)).search_path.startswith(f"{tmp_path}:/usr/local/sbin")


def test_the_last_errors_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "dump.log"
    log.write_text("(00.1) fine\n(00.2) 12: Error (criu/a.c:1): first\n(00.3) Error (criu/b.c:2): second\n")
    assert last_errors(str(log)) == "Error (criu/a.c:1): first; Error (criu/b.c:2): second"
    assert last_errors(str(tmp_path / "none")) == ""
