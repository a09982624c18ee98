"""Credentials as the kubelet sends them: for which registry, and in which of four forms."""

import base64

import pytest

from orlop.engine.images.credentials import ANONYMOUS, Credentials, from_auth_config
from orlop.model.errors import InvalidArgument
from orlop.model.image import AuthConfig


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_each_form():
    assert from_auth_config(None, "h.io") is ANONYMOUS
    assert from_auth_config(AuthConfig(username="u", password="p"), "h.io") == Credentials("u", "p")
    assert from_auth_config(AuthConfig(auth=encoded("u:p:q\0")), "h.io") == Credentials("u", "p:q")
    assert from_auth_config(AuthConfig(identity_token="i"), "h.io") == Credentials(identity_token="i")
    assert from_auth_config(AuthConfig(registry_token="r"), "h.io") == Credentials(registry_token="r")
    assert not from_auth_config(AuthConfig(), "h.io")


def test_a_token_that_would_be_two_headers():
    with pytest.raises(InvalidArgument, match="registry_token holds line breaks"):
        from_auth_config(AuthConfig(registry_token="t\r\nX-Other: 1"), "h.io")


@pytest.mark.parametrize(
    ("address", "domain", "meant"),
    [
        ("", "h.io", True),
        ("h.io", "h.io", True),
        ("https://h.io/v2/", "h.io", True),
        ("https://index.docker.io/v1/", "docker.io", True),
        ("other.io", "h.io", False),
        ("h.io:5000", "h.io", False),
    ],
)
def test_they_go_only_where_they_are_meant_for(address, domain, meant):
    auth = AuthConfig(username="u", password="p", server_address=address)
    assert bool(from_auth_config(auth, domain)) is meant


@pytest.mark.parametrize("auth", ["***", encoded("no colon"), base64.b64encode(b"\xff\xfe:x").decode()])
def test_a_malformed_auth_is_named(auth):
    with pytest.raises(InvalidArgument, match="auth field"):
        from_auth_config(AuthConfig(auth=auth), "h.io")


def test_secrets_are_not_shown():
    assert "s3cret" not in repr(Credentials("u", "s3cret", "s3cret", "s3cret"))
    assert Credentials("u", "p").basic() == "Basic " + encoded("u:p")
