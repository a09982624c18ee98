"""Whether the name in a signature is that of an image (containers-policy.json(5), "signedIdentity"). Pure."""

from orlop.engine.images import reference
from orlop.engine.images.policy.document import (
    ExactReference,
    ExactRepository,
    Identity,
    MatchExact,
    MatchRepository,
    RemapIdentity,
)
from orlop.engine.images.reference import Reference
from orlop.model.errors import OrlopError


def fits(identity: Identity, name: Reference, signed: str) -> bool:
    """`name`: the image as it was asked for; `signed`: the reference in the signature, which nobody has checked."""
    try:
        theirs = reference.parse(signed)
    except OrlopError:
        return False
    if not theirs.digest and not _has_tag(signed):
        theirs = Reference(theirs.domain, theirs.path)  # no tag is not "latest" here
    if isinstance(identity, MatchRepository):
        return theirs.repository == name.repository
    if isinstance(identity, ExactRepository):
        return theirs.repository == reference.parse(identity.docker_repository).repository
    if isinstance(identity, ExactReference):
        return _is_whole(theirs) and theirs == reference.parse(identity.docker_reference)
    if isinstance(identity, MatchExact):
        return _is_whole(theirs) and theirs == _asked(name)
    if isinstance(identity, RemapIdentity):
        name = _remapped(identity, name)
    asked = _asked(name)
    if asked.digest:
        # The digest is compared with the manifest's own by whoever reads the signature.
        return _is_whole(theirs) and theirs.repository == asked.repository
    return theirs == asked


def _asked(name: Reference) -> Reference:
    return name.with_digest(name.digest) if name.digest else name


def _is_whole(name: Reference) -> bool:
    return bool(name.tag or name.digest)


def _has_tag(text: str) -> bool:
    return ":" in text.rpartition("/")[2]


def _remapped(identity: RemapIdentity, name: Reference) -> Reference:
    """The prefix is whole components of the repository, or the repository itself."""
    prefix = identity.prefix
    if name.repository != prefix and not name.repository.startswith(f"{prefix}/"):
        return name
    return reference.parse(identity.signed_prefix + str(name)[len(prefix) :])
