"""Decompression with digests on both sides."""

import gzip
import hashlib
import os
import threading

import pytest
import zstandard

from orlop.engine.storage.inflate import HashedInput, Inflated, InflateError, decoder

DATA = os.urandom(300_000) + b"text " * 500_000


def inflate(blob: bytes, kind):
    read, write = os.pipe()

    def feed():
        view = memoryview(blob)
        try:
            while view:
                view = view[os.write(write, view[:70_000]) :]
        except BrokenPipeError:
            pass
        os.close(write)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        source = HashedInput(read, "sha256")
        inflated = Inflated(source, decoder(kind), "sha256")
        data = b"".join(inflated)
        return data, source, inflated
    finally:
        os.close(read)
        thread.join()


@pytest.mark.parametrize(
    ("kind", "blob"),
    [
        ("none", DATA),
        ("gzip", gzip.compress(DATA, 1)),
        ("gzip", gzip.compress(DATA[:9]) + gzip.compress(b"") + gzip.compress(DATA[9:], 1) + bytes(100)),
        ("zstd", zstandard.compress(DATA, 1)),
        ("zstd", zstandard.compress(DATA[:9]) + b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstandard.compress(DATA[9:], 1)),
    ],
    ids=["none", "gzip", "gzip members and padding", "zstd", "zstd frames"],
)
def test_data_digests_and_count(kind, blob):
    data, source, inflated = inflate(blob, kind)
    assert data == DATA
    assert source.count == len(blob)
    assert source.digest() == hashlib.sha256(blob).hexdigest()
    assert inflated.digest() == hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize(
    ("kind", "blob"),
    [
        ("gzip", gzip.compress(DATA, 1)[:-1000]),
        ("gzip", gzip.compress(DATA, 1)[:5000] + b"x" * 5000),
        ("gzip", gzip.compress(b"a") + b"trailing rubbish"),
        ("zstd", b"\x28\xb5\x2f\xfd" + b"x" * 1000),
    ],
    ids=["gzip truncated", "gzip damaged", "gzip with rubbish behind", "zstd damaged"],
)
def test_damage_is_an_error(kind, blob):
    with pytest.raises(InflateError):
        inflate(blob, kind)


def test_a_zstd_frame_cannot_ask_for_all_memory():
    # A frame header with a window of 2 GiB: descriptor 0, window descriptor exponent 21.
    with pytest.raises(InflateError, match=r"(?i)memory|window"):
        inflate(b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + b"\x01\x00\x00", "zstd")
