"""Credentials of one pull, as the kubelet or the configuration gives them. Pure."""

import base64
import binascii
from urllib.parse import urlsplit

import msgspec

from orlop.model.errors import InvalidArgument
from orlop.model.image import AuthConfig

_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")


class Credentials(msgspec.Struct, frozen=True):
    """What proves who asks. Equal credentials may share a download. Nothing of it is shown."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __bool__(self) -> bool:
        return bool(self.username or self.password or self.identity_token or self.registry_token)

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, …)"

    @property
    def who(self) -> str:
        """For messages."""
        if self.username:
            return f"user {self.username!r}"
        return "the given token" if self else "nobody: no credentials were given"

    def basic(self) -> str:
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


ANONYMOUS = Credentials()


def are_for(auth: AuthConfig | None, domain: str) -> bool:
    """Whether credentials of the CRI name this registry, and no other."""
    return auth is not None and bool(auth.server_address) and _meant_for(auth.server_address, domain)


def from_auth_config(auth: AuthConfig | None, domain: str) -> Credentials:
    """Credentials of the CRI, if they are meant for this registry. Raises InvalidArgument for a malformed "auth"."""
    if auth is None or not _meant_for(auth.server_address, domain):
        return ANONYMOUS
    if not auth.registry_token.isprintable():
        raise InvalidArgument("the credentials' registry_token holds line breaks or the like")
    username, password = auth.username, auth.password
    if auth.auth and not username:
        username, password = decode_basic(auth.auth)
    return Credentials(username, password, auth.identity_token, auth.registry_token)


def decode_basic(auth: str) -> tuple[str, str]:
    """User name and password from base64 of "username:password". Raises InvalidArgument, which does not tell them."""
    try:
        # The kubelet's docker configuration pads the password with NULs now and then.
        username, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):  # of which UnicodeDecodeError would show what it could not decode
        raise InvalidArgument("the credentials' auth field is not base64") from None
    if not colon:
        raise InvalidArgument("the credentials' auth field is not base64 of username:password")
    return username, password.strip("\0")


def _meant_for(address: str, domain: str) -> bool:
    if not address:
        return True
    host = urlsplit(address if "//" in address else f"//{address}").netloc
    return host == domain or (host in _HUB and domain in _HUB)
