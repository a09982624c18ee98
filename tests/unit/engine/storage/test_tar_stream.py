"""The tar reader against the standard library's writer, GNU tar's formats, and rubbish."""

import io
import os
import subprocess
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.engine.storage import tar_stream
from orlop.engine.storage.tar_headers import TarError
from orlop.engine.storage.tar_stream import TarStream
from tests.fakes.images import Dir, File, Link, tar_bytes


def chunked(data: bytes, size: int = 1 << 20):
    return iter([data[at : at + size] for at in range(0, len(data), size)])


def read(data: bytes, size: int = 1 << 20):
    stream = TarStream(chunked(data, size))
    found = []
    while (entry := stream.next_entry()) is not None:
        found.append((entry, b"".join(bytes(piece) for piece in stream.data())))
    stream.drain()
    return found


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("size", [1, 7, 512, 1000, 1 << 20])
def test_names_links_and_data_of_any_length(form, size):
    entries = {
        "short": b"data",
        "x" * 300 + "/" + "y" * 200: File(b"z" * 1025, uid=3_000_000, gid=4),
        "link": Link("t" * 180),
        "d": Dir(),
        "latin\udcff": b"raw",
        "last": b"",
    }
    found = read(tar_bytes(entries, format=form), size)
    assert [entry.name.rstrip(b"/") for entry, _ in found] == [os.fsencode(name) for name in entries]
    assert [len(data) for _, data in found] == [4, 1025, 0, 0, 3, 0]
    assert found[1][0].uid == 3_000_000
    assert found[2][0].link == b"t" * 180


def test_data_may_be_left_unread():
    stream = TarStream(chunked(tar_bytes({"a": b"1" * 5000, "b": b"2"}), 100))
    assert stream.next_entry().name == b"a"
    next(stream.data())
    assert stream.next_entry().name == b"b"
    assert stream.next_entry() is None


def test_an_empty_input_is_an_empty_layer():
    assert read(b"") == []
    assert read(bytes(1024)) == []


def test_what_follows_the_end_is_read_for_the_digest():
    chunks = chunked(tar_bytes({"a": b"1"}) + bytes(1 << 20), 1000)
    stream = TarStream(chunks)
    while stream.next_entry():
        pass
    stream.drain()
    assert next(chunks, None) is None


def test_the_ustar_prefix_and_a_global_header(tmp_path):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "by git"}) as tar:
        info = tarfile.TarInfo("p" * 90 + "/" + "n" * 60)
        tar.addfile(info)
    ((entry, _),) = read(raw.getvalue())
    assert entry.name == b"p" * 90 + b"/" + b"n" * 60


@pytest.mark.parametrize("options", [["--format=gnu"], ["--format=posix"], ["--format=posix", "--sparse-version=0.1"]])
def test_sparse_files_of_gnu_tar(tmp_path, options):
    with open(tmp_path / "holes", "wb") as file:
        for at in range(40):  # more pieces than one header holds
            file.seek(at * 65536)
            file.write(b"%04d" % at * 1024)
        file.truncate(45 * 65536)
    tar = subprocess.run(["tar", "-C", tmp_path, "-cS", *options, "holes"], check=True, capture_output=True).stdout
    assert len(tar) < 400_000
    ((entry, data),) = read(tar, 1000)
    assert entry.name == b"holes"
    assert entry.full_size == 45 * 65536
    assert entry.sparse is not None
    rebuilt, position = bytearray(entry.full_size), 0
    for offset, length in entry.sparse:
        rebuilt[offset : offset + length] = data[position : position + length]
        position += length
    assert bytes(rebuilt) == (tmp_path / "holes").read_bytes()


def test_the_old_sparse_format_is_refused_by_name(tmp_path):
    with open(tmp_path / "holes", "wb") as file:
        file.truncate(1 << 20)
        file.write(b"x" * 8192)
        file.truncate(3 << 20)
    argv = ["tar", "-C", tmp_path, "-cS", "--format=posix", "--sparse-version=0.0", "holes"]
    tar = subprocess.run(argv, check=True, capture_output=True).stdout
    with pytest.raises(TarError, match=r"'holes' is sparse in GNU's format 0.0"):
        read(tar)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"rubbish" * 100, "no tar header at its start"),
        (tar_bytes({"a": b"1"})[:1024] + b"x" * 512, "no tar header after 1 entries"),
        (tar_bytes({"a": b"1" * 600})[:1100], "ends in the middle of something, after 1 entries"),
        (tar_bytes({"a": b"1"})[:100], "ends in the middle"),
        (tar_bytes({"x" * 300: b""})[:1024], "ends after an extension header"),
    ],
)
def test_broken_archives_say_where(data, text):
    with pytest.raises(TarError, match=text):
        read(data)


def test_limits(monkeypatch):
    monkeypatch.setattr(tar_stream, "MAX_ENTRIES", 2)
    with pytest.raises(TarError, match="more than 2 entries"):
        read(tar_bytes({"a": b"", "b": b"", "c": b""}))
    huge = tarfile.TarInfo("././@LongLink")
    huge.type, huge.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    with pytest.raises(TarError, match="claims 8589934592 bytes"):
        read(huge.tobuf(tarfile.GNU_FORMAT))


def test_extension_headers_of_one_member_are_bounded_together():
    """Each alone is small; all would be kept until a member comes, and they compress to nothing."""

    def pax(key: str, size: int) -> bytes:
        # A header before another header is what no writer makes: the member between them is cut out.
        info = tarfile.TarInfo("x")
        info.pax_headers = {key: "v" * size}
        return info.tobuf(tarfile.PAX_FORMAT)[:-512]

    member = tar_bytes({"a": b"1"})
    assert [entry.name for entry, _ in read(pax("one", 400_000) + pax("two", 400_000) + member)] == [b"a"]
    with pytest.raises(TarError, match="at most 1048576 are read for a file"):
        read(pax("one", 400_000) + pax("two", 400_000) + pax("three", 400_000) + member)
    assert len(read((pax("one", 400_000) + member[:1024]) * 4)) == 4


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=2048), st.integers(0, 3000), st.integers(1, 700))
def test_damage_anywhere_is_read_or_refused(damage, at, size):
    data = bytearray(tar_bytes({"a" * 120: File(b"x" * 700, xattrs={"user.k": b"v"}), "l": Link("a"), "d": Dir()}))
    data[at : at + len(damage)] = damage
    try:
        read(bytes(data), size)
    except TarError:
        pass
