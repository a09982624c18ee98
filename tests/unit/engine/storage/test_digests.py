"""Digests and chain ids."""

import hashlib

import pytest

from orlop.engine.storage import digests


def test_of_bytes_by_either_algorithm():
    assert digests.of(b"") == "sha256:" + hashlib.sha256().hexdigest()
    assert digests.of(b"x", like="sha512:00") == "sha512:" + hashlib.sha512(b"x").hexdigest()


def test_chain_ids_are_those_of_the_specification():
    first, second, third = (digests.of(each) for each in (b"1", b"2", b"3"))
    assert digests.chain_ids([]) == ()
    two = digests.of(f"{first} {second}".encode())
    assert digests.chain_ids([first, second, third]) == (first, two, digests.of(f"{two} {third}".encode()))


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "g" * 64, "sha256:" + "A" * 64, "sha1:" + "a" * 40,
                                  "sha256:" + "a" * 64 + "\n", "sha256:../" + "a" * 61])  # fmt: skip
def test_what_is_no_digest(text):
    assert not digests.is_digest(text)


def test_parts():
    digest = "sha512:" + "b" * 128
    assert digests.is_digest(digest)
    assert (digests.algorithm(digest), digests.hexadecimal(digest)) == ("sha512", "b" * 128)
