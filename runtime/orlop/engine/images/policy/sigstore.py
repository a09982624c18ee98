"""sigstore (cosign) signatures with a public key: whether it has signed. The library comes with the first use."""

import base64
import binascii
from typing import TYPE_CHECKING

from orlop.model.errors import InvalidArgument

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

MAX_SIGNATURE = 16 << 10


def is_signed(payload: bytes, signature: str, key: bytes, what: str) -> bool:
    """Whether base64 `signature` over the payload was made with the private part of a PEM public key.

    ECDSA and RSA (PKCS #1 v1.5) with SHA-256, and Ed25519: what cosign makes. Raises InvalidArgument for a bad key.
    """
    from cryptography.exceptions import InvalidSignature

    public = _key(key, what)
    try:
        raw = base64.b64decode(signature[: MAX_SIGNATURE * 2], validate=True)
    except (binascii.Error, ValueError):
        return False
    try:
        _verify(public, raw, payload)
    except InvalidSignature:
        return False
    return True


def _key(data: bytes, what: str) -> "PublicKeyTypes":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidArgument(f"{what} is no public key in PEM: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise InvalidArgument(f"{what} is a public key of a kind that signs no images: {type(key).__name__}")
    return key


def _verify(key: "PublicKeyTypes", signature: bytes, payload: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256

    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, payload, ec.ECDSA(SHA256()))
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, payload, padding.PKCS1v15(), SHA256())
    elif isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, payload)
