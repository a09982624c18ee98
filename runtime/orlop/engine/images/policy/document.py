"""policy.json as types (containers-policy.json(5)): read and checked, with no key that is not understood. Pure.

A policy that says something unknown is refused as a whole: what it demands must not be overlooked.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated, Literal, TypeVar

import msgspec

from orlop.engine.images import reference
from orlop.model.errors import InvalidArgument, OrlopError


class MatchExact(msgspec.Struct, frozen=True, tag="matchExact", forbid_unknown_fields=True):
    """The signature's name is the image's, with its tag."""


class MatchRepoDigestOrExact(msgspec.Struct, frozen=True, tag="matchRepoDigestOrExact", forbid_unknown_fields=True):
    """As MatchExact; for images asked for by digest the repository is enough. The default."""


class MatchRepository(msgspec.Struct, frozen=True, tag="matchRepository", forbid_unknown_fields=True):
    """The repositories are the same, whatever the tags: what cosign's signatures need."""


class ExactReference(
    msgspec.Struct, frozen=True, rename="camel", tag="exactReference", forbid_unknown_fields=True
):  # fmt: skip
    """The signature's name is this one."""

    docker_reference: str


class ExactRepository(
    msgspec.Struct, frozen=True, rename="camel", tag="exactRepository", forbid_unknown_fields=True
):  # fmt: skip
    """The signature's repository is this one."""

    docker_repository: str


class RemapIdentity(msgspec.Struct, frozen=True, rename="camel", tag="remapIdentity", forbid_unknown_fields=True):
    """As MatchRepoDigestOrExact, once the image's prefix has been replaced."""

    prefix: str
    signed_prefix: str


Identity = MatchExact | MatchRepoDigestOrExact | MatchRepository | ExactReference | ExactRepository | RemapIdentity


class AcceptAnything(msgspec.Struct, frozen=True, tag="insecureAcceptAnything", forbid_unknown_fields=True):
    """Every image."""


class Reject(msgspec.Struct, frozen=True, tag="reject", forbid_unknown_fields=True):
    """No image."""


class SignedBy(msgspec.Struct, frozen=True, rename="camel", tag="signedBy", forbid_unknown_fields=True):
    """A GPG signature (simple signing) by one of the keys."""

    key_type: Literal["GPGKeys"]
    key_path: str = ""
    key_paths: tuple[str, ...] = ()
    key_data: str = ""
    signed_identity: Identity = MatchRepoDigestOrExact()


class SigstoreSigned(msgspec.Struct, frozen=True, rename="camel", tag="sigstoreSigned", forbid_unknown_fields=True):
    """A sigstore (cosign) signature by one of the keys."""

    key_path: str = ""
    key_paths: tuple[str, ...] = ()
    key_data: str = ""
    key_datas: tuple[str, ...] = ()
    signed_identity: Identity = MatchRepoDigestOrExact()


Requirement = AcceptAnything | Reject | SignedBy | SigstoreSigned
Requirements = Annotated[tuple[Requirement, ...], msgspec.Meta(min_length=1)]


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole policy. All of an image's requirements must hold."""

    default: Requirements
    transports: dict[str, dict[str, Requirements]] = {}


ACCEPT_ALL = Policy(default=(AcceptAnything(),))

S = TypeVar("S", SignedBy, SigstoreSigned)


def parse(data: bytes, path: str) -> Policy:
    """Read a policy. Raises InvalidArgument naming the file and the key."""
    try:
        policy = msgspec.json.decode(data, type=Policy)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise InvalidArgument(f"{path}: {where.strip('`.') or 'the file'}: {what}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"{path} cannot be read as JSON: {error}") from error
    for key, requirement in _requirements(policy):
        if isinstance(requirement, SignedBy | SigstoreSigned):
            _check_keys(requirement, f"{path}: {key}")
            _check_identity(requirement.signed_identity, f"{path}: {key}.signedIdentity")
    return policy


def _requirements(policy: Policy) -> Iterator[tuple[str, Requirement]]:
    for number, requirement in enumerate(policy.default):
        yield f"default[{number}]", requirement
    for transport, scopes in policy.transports.items():
        for scope, requirements in scopes.items():
            for number, requirement in enumerate(requirements):
                yield f"transports.{transport}[{scope!r}][{number}]", requirement


def _check_keys(requirement: SignedBy | SigstoreSigned, key: str) -> None:
    given = [name for name in ("key_path", "key_paths", "key_data", "key_datas") if getattr(requirement, name, None)]
    if len(given) != 1:
        raise InvalidArgument(f"{key}: exactly one of the keys' places (keyPath, keyPaths, keyData) must be given; "
                              "certificates (fulcio, pki) are not supported")  # fmt: skip
    for text in (requirement.key_data, *getattr(requirement, "key_datas", ())):
        try:
            base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise InvalidArgument(f"{key}.keyData is not base64: {error}") from error


def _check_identity(identity: Identity, key: str) -> None:
    if isinstance(identity, ExactReference):
        wanted = {"dockerReference": identity.docker_reference}
    elif isinstance(identity, ExactRepository):
        wanted = {"dockerRepository": identity.docker_repository}
    elif isinstance(identity, RemapIdentity):
        wanted = {"prefix": f"{identity.prefix}/x", "signedPrefix": f"{identity.signed_prefix}/x"}
    else:
        return
    for name, text in wanted.items():
        try:
            reference.parse(text)
        except OrlopError as error:
            raise InvalidArgument(f"{key}.{name}: {error}") from error
