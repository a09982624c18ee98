"""Where programs are looked for."""

import os
from pathlib import Path

import pytest

from orlop.daemon import binaries


def executable(path: Path) -> str:
    """A program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_a_configured_path_is_the_only_one(tmp_path: Path) -> None:
    program = executable(tmp_path / "runc")
    assert binaries.find("sh", program) == program
    assert binaries.find("sh", str(tmp_path / "gone")) == ""


def test_path_comes_before_the_usual_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = executable(tmp_path / "sh")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binaries.find("sh") == program
    monkeypatch.setenv("PATH", "/nowhere")
    assert binaries.find("sh").endswith("/sh")


def test_places_of_its_own_are_looked_at_last(tmp_path: Path) -> None:
    program = executable(tmp_path / "libexec" / "orlop-no-such-program")
    assert binaries.find("orlop-no-such-program") == ""
    assert binaries.find("orlop-no-such-program", directories=[str(tmp_path / "libexec")]) == program


def test_a_file_that_cannot_be_run_is_none(tmp_path: Path) -> None:
    (tmp_path / "conmon").write_text("")
    assert binaries.conmon(str(tmp_path / "conmon")) == ""
    assert binaries.pause(str(tmp_path / "gone")) == ""


def test_a_copy_that_selinux_lets_containers_run_is_written_where_it_differs(tmp_path: Path) -> None:
    program = executable(tmp_path / "bin" / "catatonit")
    copy = binaries.labelled(program, str(tmp_path))
    assert copy == str(tmp_path / "catatonit") and os.access(copy, os.X_OK)
    before = os.stat(copy)
    assert binaries.labelled(program, str(tmp_path)) == copy and os.stat(copy).st_ino == before.st_ino
    Path(program).write_text("#!/bin/sh\nexit 3\n")
    binaries.labelled(program, str(tmp_path))
    assert Path(copy).read_text().endswith("exit 3\n") and os.stat(copy).st_ino != before.st_ino
