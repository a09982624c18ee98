"""The fifo of a created container, with a process at its other end that does what a test wants."""

import os
from pathlib import Path

import pytest

from orlop.engine.oci import starting
from orlop.model.errors import TimedOut


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(starting, "TIME_LIMIT", 0.05)
    monkeypatch.setattr(starting, "WRITE_LIMIT", 0.05)
    (tmp_path / "state.json").write_text("{}")
    os.mkfifo(tmp_path / "exec.fifo")
    return tmp_path


async def test_one_who_waits_is_let_go(record: Path) -> None:
    writer = os.open(record / "exec.fifo", os.O_RDWR)
    try:
        os.write(writer, b"0")
        assert await starting.let_go(str(record))
        assert sorted(os.listdir(record)) == ["state.json"]
    finally:
        os.close(writer)


async def test_one_who_does_not_go_on_is_told_and_counts_as_started(record: Path) -> None:
    writer = os.open(record / "exec.fifo", os.O_RDWR)
    try:
        with pytest.raises(TimedOut, match="has not gone on"):
            await starting.let_go(str(record))
        assert sorted(os.listdir(record)) == ["state.json"]
    finally:
        os.close(writer)


async def test_what_is_none_of_runcs_is_left_alone(record: Path) -> None:
    assert not await starting.let_go(str(record)), "nobody waits"
    assert (record / "exec.fifo").exists()
    (record / "exec.fifo").unlink()
    assert not await starting.let_go(str(record)), "no fifo"
    (record / "exec.fifo").write_text("0")
    assert not await starting.let_go(str(record)), "a file"
    (record / "state.json").unlink()
    assert not await starting.let_go(str(record)), "crun's, whose record has another name"
