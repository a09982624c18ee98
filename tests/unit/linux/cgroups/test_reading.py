"""Formats of cgroup files."""

import os
from pathlib import Path

import pytest

from orlop.linux.cgroups.reading import Directory, as_pressure, field, parse_pressure
from orlop.linux.cgroups.usage import PressureLine

STAT = b"anon 100\nfile 5\ninactive_anon 7\nanon_thp 9\npgfault 12"


def test_field_takes_whole_names_only() -> None:
    assert field(STAT, b"anon") == 100
    assert field(STAT, b"inactive_anon") == 7
    assert field(STAT, b"pgfault") == 12
    assert field(STAT, b"active_anon") is None
    assert field(STAT, b"pg") is None
    assert field(b"", b"anon") is None
    assert field(None, b"anon") is None


def test_pressure() -> None:
    text = b"some avg10=0.12 avg60=1.00 avg300=2.50 total=123\nfull avg10=0.00 avg60=0.00 avg300=0.01 total=4\n"
    pressure = parse_pressure(text)
    assert pressure.some == PressureLine(total=123, avg10=0.12, avg60=1.0, avg300=2.5)
    assert pressure.full == PressureLine(total=4, avg10=0.0, avg60=0.0, avg300=0.01)
    assert parse_pressure(text.splitlines()[0]).full is None


def test_directory_reads(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("42\n")
    (tmp_path / "limit").write_text("max\n")
    (tmp_path / "empty").touch()
    before = os.listdir("/proc/self/fd")
    with Directory(str(tmp_path)) as directory:
        assert directory.number("number") == 42
        assert directory.number("limit") is None
        assert directory.number("absent") is None
        assert as_pressure(directory.read("empty")) is None
        assert directory.read("number") == b"42\n"
    assert os.listdir("/proc/self/fd") == before
    with pytest.raises(FileNotFoundError, match="gone"):
        Directory(str(tmp_path / "gone"))
