"""Whether the policy lets an image in: every requirement for its name must hold, each by one good signature.

Nothing is fetched or verified that the policy does not ask for. All that is wrong ends in SignatureValidationFailed,
but for a registry that does not answer.
"""

import base64
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orlop.aio.threads import offload
from orlop.engine.images.files import content
from orlop.engine.images.policy import attachments, gpg, lookaside, payload, sigstore
from orlop.engine.images.policy.document import AcceptAnything, Identity, Reject, SignedBy, SigstoreSigned
from orlop.engine.images.policy.files import Policies
from orlop.engine.images.policy.identity import fits
from orlop.engine.images.policy.lookaside import Lookaside
from orlop.engine.images.policy.scopes import requirements_for
from orlop.engine.images.reference import Reference
from orlop.engine.images.source import Source
from orlop.model.errors import OrlopError, SignatureValidationFailed, Unavailable

if TYPE_CHECKING:
    from orlop.engine.images.transport import Transport

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that has been resolved, and nothing more."""

    name: Reference
    """As it was asked for."""
    digests: tuple[str, ...]
    """Of its manifest, then of the index that leads to it: a signature of either is one of the image."""
    source: Source
    """The repository that it comes from; its signatures lie beside it."""
    transport: "Transport"


class Checker:
    """The policies of a node."""

    def __init__(self, policies: Policies, places: Lookaside) -> None:
        self._policies = policies
        self._places = places

    @property
    def cares_who_asks(self) -> bool:
        """Whether a pod's namespace can make a difference."""
        return self._policies.has_namespaces

    async def check(self, image: Candidate, namespace: str) -> None:
        """Return if the image may be used. Raises SignatureValidationFailed, or Unavailable for no answer."""
        try:
            policy = self._policies.policy(namespace)
            for requirement in requirements_for(policy, image.name):
                if isinstance(requirement, Reject):
                    raise SignatureValidationFailed("the policy rejects it")
                if not isinstance(requirement, AcceptAnything):
                    await self._signed(requirement, image)
        except Unavailable:
            raise
        except OrlopError as error:
            raise SignatureValidationFailed(f"image {image.name}: {error}") from error

    async def _signed(self, requirement: SignedBy | SigstoreSigned, image: Candidate) -> None:
        keys = await offload(_keys, requirement)
        if isinstance(requirement, SignedBy):
            refused = await self._by_gpg(requirement.signed_identity, keys, image)
            kind = "GPG"
        else:
            refused = await self._by_sigstore(requirement.signed_identity, keys, image)
            kind = "sigstore"
        if refused is not None:
            why = "; ".join(refused) or "there is none"
            raise SignatureValidationFailed(f"no {kind} signature of it is accepted: {why}")

    async def _by_gpg(self, identity: Identity, keys: Sequence[bytes], image: Candidate) -> list[str] | None:
        """None: one is good. Otherwise what is wrong with each."""
        refused = []
        base = self._places.base(image.name)
        rings = b"".join(gpg.keyring(key) for key in keys)
        for digest in image.digests:
            for signature in await lookaside.signatures(base, digest, image.transport):
                try:
                    claim = payload.parse(await gpg.verified(signature, rings), payload.SIMPLE)
                except OrlopError as error:
                    refused.append(str(error))
                    continue
                if (wrong := _wrong(claim, identity, digest, image)) is None:
                    return None
                refused.append(wrong)
        return refused

    async def _by_sigstore(self, identity: Identity, keys: Sequence[bytes], image: Candidate) -> list[str] | None:
        refused = []
        for digest in image.digests:
            for attached in await attachments.signatures(image.source, digest):
                good = [await offload(sigstore.is_signed, attached.payload, attached.signature, key, "the policy's key")
                        for key in keys]  # fmt: skip
                if not any(good):
                    refused.append("made with another key")
                    continue
                try:
                    claim = payload.parse(attached.payload, payload.SIGSTORE)
                except OrlopError as error:
                    refused.append(str(error))
                    continue
                if (wrong := _wrong(claim, identity, digest, image)) is None:
                    return None
                refused.append(wrong)
        return refused


def _wrong(claim: payload.Claim, identity: Identity, digest: str, image: Candidate) -> str | None:
    if claim.digest != digest:
        return f"it is for the manifest {claim.digest[:100]!r}"
    if not fits(identity, image.name, claim.name):
        return f"it is for the image {claim.name[:200]!r}"
    return None


def _keys(requirement: SignedBy | SigstoreSigned) -> list[bytes]:
    """The keys' bytes; a file is read each time, so that a new key holds at once."""
    paths = [requirement.key_path] if requirement.key_path else requirement.key_paths
    texts = [requirement.key_data] if requirement.key_data else getattr(requirement, "key_datas", ())
    return [*(content(path) for path in paths), *(base64.b64decode(text) for text in texts)]
