"""policy.json: nothing in it may be overlooked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.images.policy.document import AcceptAnything, MatchRepoDigestOrExact, SignedBy, parse
from orlop.model.errors import InvalidArgument

KEY = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/k"}


def policy(*requirements: object, **keys: object) -> bytes:
    return json.dumps({"default": list(requirements), **keys}).encode()


def test_a_whole_policy() -> None:
    found = parse(policy({"type": "insecureAcceptAnything"}, transports={"docker": {"a.test": [KEY]}}), "/p")
    assert found.default == (AcceptAnything(),)
    (signed,) = found.transports["docker"]["a.test"]
    assert isinstance(signed, SignedBy) and signed.signed_identity == MatchRepoDigestOrExact()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "/p cannot be read as JSON"),
        (b"{}", "/p: the file: .*missing required field `default`"),
        (policy(), "/p: default: Expected `array` of length >= 1"),
        (policy({"type": "trustMe"}), r"/p: default\[0\]\.type: Invalid value 'trustMe'"),
        (policy({"type": "reject", "unless": 1}), r"default\[0\]: .*unknown field `unless`"),
        (policy({"type": "reject"}, extra=1), "unknown field `extra`"),
        (policy({"type": "signedBy", "keyType": "GPGKeys"}), r"default\[0\]: exactly one of the keys' places"),
        (policy({**KEY, "keyData": "aa=="}), r"default\[0\]: exactly one"),
        (
            policy({"type": "signedBy", "keyType": "X509", "keyPath": "/k"}),
            "keyType: Invalid enum value",
        ),
        (policy({"type": "signedBy", "keyType": "GPGKeys", "keyData": "***"}), "keyData is not base64"),
        (policy({"type": "sigstoreSigned", "fulcio": {}}), "unknown field `fulcio`"),
        (
            policy({**KEY, "signedIdentity": {"type": "any"}}),
            r"signedIdentity\.type: Invalid value 'any'",
        ),
        (
            policy({**KEY, "signedIdentity": {"type": "exactReference", "dockerReference": "A B"}}),
            r"default\[0\]\.signedIdentity\.dockerReference: image reference 'A B'",
        ),
        (
            policy({"type": "reject"}, transports={"docker": {"a.test": [{"type": "sigstoreSigned"}]}}),
            r"transports\.docker\['a\.test'\]\[0\]: exactly one",
        ),
    ],
)
def test_what_is_wrong_is_named_by_file_and_key(data: bytes, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        parse(data, "/p")


ANY = st.dictionaries(st.text(max_size=9), st.text(max_size=9)).map(lambda found: policy(found))


@given(st.one_of(st.binary(max_size=80), ANY))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(InvalidArgument, match="/p"):
        parse(data, "/p")
