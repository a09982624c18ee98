"""The log's lines, and its file."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.shim.crilog import CriLog, lines, stamp


def test_lines_and_parts_of_lines() -> None:
    assert (
        lines("stdout", b"one\ntwo\n\nrest", "T") == b"T stdout F one\nT stdout F two\nT stdout F \nT stdout P rest\n"
    )
    assert lines("stderr", b"one\n", "T") == b"T stderr F one\n"
    assert lines("stdout", b"", "T") == b""


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_the_text_comes_back_whole_however_it_is_cut(pieces: list[bytes]) -> None:
    text = b""
    for line in b"".join(lines("stdout", piece, "T") for piece in pieces).split(b"\n")[:-1]:
        _, _, tag, words = line.split(b" ", 3)
        text += words + (b"\n" if tag == b"F" else b"")
    assert text == b"".join(pieces)


def test_the_stamp_has_nine_digits_in_utc() -> None:
    assert stamp(1_700_000_000_000_000_042) == "2023-11-14T22:13:20.000000042Z"


async def test_a_renamed_log_goes_on_in_a_new_file(tmp_path: Path) -> None:
    log = CriLog(str(tmp_path / "0.log"))
    await log.write("stdout", b"old\n")
    (tmp_path / "0.log").rename(tmp_path / "0.log.1")
    await log.write("stdout", b"still old\n")
    await log.reopen()
    await log.write("stdout", b"new\n")
    log.close()
    texts = [re.sub(r"^\S+ ", "", (tmp_path / name).read_text(), flags=re.MULTILINE) for name in ("0.log.1", "0.log")]
    assert texts == ["stdout F old\nstdout F still old\n", "stdout F new\n"]


async def test_a_log_that_cannot_be_written_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = CriLog(str(tmp_path / "gone" / "0.log"))
    await log.write("stdout", b"a\n")
    await log.write("stdout", b"b\n")
    assert [record.message.count("are lost") for record in caplog.records] == [1]
    await CriLog("").write("stdout", b"no log, no error")
