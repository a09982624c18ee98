"""Payloads, manifests of signatures and keys: of strangers, until proved otherwise."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.images.policy import attachments, gpg, payload, sigstore
from orlop.model.errors import InvalidArgument
from tests.parts import signing

DIGEST = "sha256:" + "a" * 64


def test_a_payload_says_digest_and_name() -> None:
    for kind in (payload.SIMPLE, payload.SIGSTORE):
        claim = payload.parse(signing.payload(DIGEST, "a.test/app:1", kind), kind)
        assert (claim.digest, claim.name) == (DIGEST, "a.test/app:1")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot be read"),
        (b"[" * 3000, "cannot be read"),
        (signing.payload(DIGEST, "a", "something else"), "is of type 'something else'"),
        (signing.payload(DIGEST, "a", extra=1), "unknown field `extra`"),
        (json.dumps({"critical": {}}).encode(), "missing required field"),
        (b" " * (payload.MAX_PAYLOAD + 1), "more than"),
    ],
)
def test_payloads_that_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        payload.parse(data, payload.SIMPLE)


@given(st.binary(max_size=120))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidArgument):
        payload.parse(data, payload.SIMPLE)
    with pytest.raises(InvalidArgument):
        attachments.parse(data)
    with pytest.raises(InvalidArgument):
        sigstore.is_signed(b"", "", data, "it")


@given(st.binary(max_size=60), st.text(max_size=60))
def test_no_other_signature_is_good(data: bytes, signature: str) -> None:
    assert not sigstore.is_signed(data, signature, KEYS["ecdsa"].public, "it")


KEYS = {kind: signing.Cosign(kind) for kind in ("ecdsa", "rsa", "ed25519")}


@pytest.mark.parametrize("kind", list(KEYS))
def test_each_kind_of_key(kind: str) -> None:
    key = KEYS[kind]
    assert sigstore.is_signed(b"payload", key.signature(b"payload"), key.public, "it")
    assert not sigstore.is_signed(b"payloaD", key.signature(b"payload"), key.public, "it")
    others = [each.public for name, each in KEYS.items() if name != kind]
    assert not any(sigstore.is_signed(b"payload", key.signature(b"payload"), other, "it") for other in others)


def test_armor() -> None:
    assert gpg.keyring(b"\x99binary") == b"\x99binary"
    block = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\nYWJj\n=AAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"
    assert gpg.keyring(block + block) == b"abcabc"
    with pytest.raises(InvalidArgument, match="no public key"):
        gpg.keyring(b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nYWJj\n-----END PGP PRIVATE KEY BLOCK-----")
    with pytest.raises(InvalidArgument, match="armor"):
        gpg.keyring(block.replace(b"YWJj", b"Y*Jj"))
