"""Where programs are looked for."""

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
