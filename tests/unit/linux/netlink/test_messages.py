"""Netlink's wire format: what is packed is read again, and nothing that is read can do worse than ValueError."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.linux.netlink import messages


def test_attributes_are_aligned_and_nest() -> None:
    packed = messages.text(3, "eth0") + messages.nested(18, messages.attribute(1, b"abc"))
    assert packed == bytes.fromhex("09000300 65746830 00000000 0c001280 0700010061626300")
    values = messages.attributes(packed)
    assert messages.string(values[3]) == "eth0"
    assert messages.attributes(values[18]) == {1: b"abc"}


def test_messages_of_one_datagram() -> None:
    data = messages.message(16, 5, 7, b"body") + messages.message(2, 0, 8, bytes(4))
    first, second = messages.messages(data)
    assert (first.kind, first.flags, first.sequence, first.body) == (16, 5, 7, b"body")
    assert (second.kind, second.sequence) == (2, 8)


@pytest.mark.parametrize("length", [0, 15, 21, 1 << 31])
def test_a_length_that_cannot_be(length: int) -> None:
    with pytest.raises(ValueError, match=r"netlink message of \d+ bytes"):
        list(messages.messages(struct.pack("=IHHII", length, 2, 0, 1, 0) + b"body"))


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        list(messages.messages(data))
    with contextlib.suppress(ValueError):
        messages.attributes(data)
