"""Single tar headers: numbers, names, pax records, and what may not be in them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.storage.tar_headers import (
    Entry,
    TarError,
    apply_pax,
    check,
    check_sum,
    nanoseconds,
    number,
    parse,
    parse_pax,
    show,
)
from tests.fakes.images import Device, Dir, File, tar_bytes


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"0000644\0", 0o644),
        (b"   644 \0", 0o644),
        (b"\0" * 8, 0),
        (b"\x80" + (1 << 40).to_bytes(11, "big"), 1 << 40),
        (b"\xff" * 12, -1),
        (b"\xff" * 8 + b"\xff\xff\xff\x9c", -100),
    ],
)
def test_numbers(text, value):
    assert number(text, "it") == value


def test_what_is_no_number_is_named():
    with pytest.raises(TarError, match="size of a header is not a number: b'12x'"):
        number(b"12x\0", "size")


def test_a_header_as_written_by_another_program():
    block = tar_bytes({"dev/null": Device(kind="c", major=1, minor=3, mode=0o666, uid=5, gid=6, mtime=9)})[:512]
    assert check_sum(block)
    entry = parse(block)
    assert (entry.kind, entry.name, entry.mode, entry.uid, entry.gid) == (b"3", b"dev/null", 0o666, 5, 6)
    assert (entry.major, entry.minor, entry.mtime_ns) == (1, 3, 9_000_000_000)
    assert not check_sum(b"X" + block[1:])


def test_old_archives_mark_directories_by_a_slash():
    block = tar_bytes({"d": File(b"")})[:512]
    assert parse(b"d/" + bytes(98) + block[100:156] + b"\0" + block[157:]).kind == b"5"


def test_pax_records():
    assert parse_pax(b"12 path=abc\n11 empty=\xff\n") == {b"path": b"abc", b"empty": b"\xff"}
    assert parse_pax(b"13 a=x=y\n\n\n\n\n") == {b"a": b"x=y\n\n\n\n"}


@pytest.mark.parametrize("data", [b"x", b"5 a=b", b"99 a=b\n", b"6 a=bc", b"0 a=b\n", b"5 abc\n", b"-1 a=b\n", b"3 \n"])
def test_malformed_pax_records(data):
    with pytest.raises(TarError, match="pax header"):
        parse_pax(data)


@pytest.mark.parametrize(
    ("text", "value"),
    [(b"1.5", 1_500_000_000), (b"-1.5", -1_500_000_000), (b"7", 7_000_000_000), (b"0.1234567899", 123_456_789)],
)
def test_times_to_the_nanosecond(text, value):
    assert nanoseconds(text) == value


@pytest.mark.parametrize("text", [b"", b"x", b"1.x", b"9" * 30, b"1e5"])
def test_what_is_no_time(text):
    with pytest.raises(TarError, match="mtime"):
        nanoseconds(text)


def test_extended_attributes_in_both_spellings():
    entry = Entry(b"0", b"f")
    apply_pax(
        entry,
        {
            b"SCHILY.xattr.user.a": b"\x00\xff",
            b"LIBARCHIVE.xattr.user.b%20c": base64.b64encode(b"value").rstrip(b"="),
            b"uid": b"70000",
            b"unknown.key": b"is ignored",
        },
    )
    assert entry.xattrs == {"user.a": b"\x00\xff", "user.b c": b"value"}
    assert entry.uid == 70000


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (Entry(b"0", b"a\0b"), "contains a NUL"),
        (Entry(b"2", b"a", link=b"x" * 5000), "longer than 4095"),
        (Entry(b"0", b"a", uid=-1), "owner out of range"),
        (Entry(b"0", b"a", gid=1 << 33), "owner out of range"),
        (Entry(b"0", b"a", size=-1), "impossible size"),
        (Entry(b"3", b"a", major=1 << 20), "impossible device number"),
    ],
)
def test_values_that_the_kernel_would_refuse(entry, text):
    with pytest.raises(TarError, match=text):
        check(entry)


def test_shown_names_are_quoted_and_end():
    assert show(b"a\n\xff") == "'a\\n\\\\xff'"
    assert len(show(b"x" * 4000)) < 250


@given(st.binary(min_size=512, max_size=512))
def test_any_block_is_parsed_or_refused(block):
    try:
        check(parse(block))
    except TarError:
        pass


@given(st.binary(max_size=300))
def test_any_pax_header_is_parsed_or_refused(data):
    try:
        apply_pax(Entry(b"0", b"f"), parse_pax(data))
    except TarError:
        pass


def test_a_directory_has_no_data_whatever_its_header_says():
    block = tar_bytes({"d": Dir()})[:512]
    assert parse(block[:124] + b"00000000777\0" + block[136:]).size == 0
