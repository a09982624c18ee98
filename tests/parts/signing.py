"""Who signs images for tests: the real gpg with a key of its own, and cosign's format with the cryptography library.

with Gpg(tmp_path) as ann:
    ann.sign(image.digest, "registry.test/app:1")     # a simple signing signature
"""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from tests.fakes.images import OCI_CONFIG, OCI_MANIFEST, Image, Layer, sha256

SIMPLE = "atomic container signature"
COSIGN = "cosign container image signature"


def payload(digest: str, name: str, kind: str = SIMPLE, **changes: Any) -> bytes:
    """What is signed."""
    critical = {
        "identity": {"docker-reference": name},
        "image": {"docker-manifest-digest": digest},
        "type": kind,
    }
    return json.dumps({"critical": critical | changes, "optional": {"creator": "tests"}}).encode()


class Gpg:
    """A key pair in a home directory of its own. gpg starts an agent; leaving the context ends it."""

    def __init__(self, home: Path, *, expires: str = "never", when: str = "") -> None:
        """`when`: the time that it is for gpg, "20200101T000000"."""
        self.home = home
        self._time = ["--faked-system-time", f"{when}!"] if when else []
        home.mkdir(mode=0o700, parents=True)
        self._run("--quick-gen-key", "tester <tester@example.test>", "ed25519", "sign", expires)
        self.public = self._run("--armor", "--export")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=True, capture_output=True)

    def sign(self, digest: str, name: str, **changes: Any) -> bytes:
        """A signature that holds its payload."""
        return self.sign_bytes(payload(digest, name, **changes))

    def sign_bytes(self, data: bytes) -> bytes:
        """The same over any bytes."""
        return self._run("--sign", data=data)

    def _run(self, *arguments: str, data: bytes = b"") -> bytes:
        argv = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--pinentry-mode", "loopback"]
        argv += ["--passphrase", "", "--output", "-", *self._time, *arguments]
        done = subprocess.run(argv, input=data, capture_output=True, env={**os.environ, "LC_ALL": "C"})
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


class Cosign:
    """A key pair of one of the kinds that cosign takes."""

    def __init__(self, kind: str = "ecdsa") -> None:
        self._kind = kind
        self._key: Any = {
            "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
            "rsa": lambda: rsa.generate_private_key(65537, 2048),
            "ed25519": ed25519.Ed25519PrivateKey.generate,
        }[kind]()

    @property
    def public(self) -> bytes:
        """In PEM."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        found: bytes = self._key.public_key().public_bytes(serialization.Encoding.PEM, form)
        return found

    def signature(self, data: bytes) -> str:
        """base64, as an annotation has it."""
        if self._kind == "ecdsa":
            raw = self._key.sign(data, ec.ECDSA(hashes.SHA256()))
        elif self._kind == "rsa":
            raw = self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        else:
            raw = self._key.sign(data)
        return base64.b64encode(raw).decode()

    def attachment(self, digest: str, name: str) -> Image:
        """What `cosign sign` pushes under `tag_of(digest)`."""
        return attachment([(data := payload(digest, name, COSIGN), self.signature(data))])


def attachment(signed: list[tuple[bytes, str]]) -> Image:
    """A manifest of payloads and their signatures."""
    kind = "application/vnd.dev.cosign.simplesigning.v1+json"
    layers = tuple(Layer(data, sha256(data), kind) for data, _ in signed)
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}}).encode()
    entries = [
        {
            "mediaType": kind,
            "digest": layer.digest,
            "size": len(layer.blob),
            "annotations": {"dev.cosignproject.cosign/signature": signature},
        }
        for layer, (_, signature) in zip(layers, signed, strict=True)
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": sha256(config), "size": len(config)},
        "layers": entries,
    }
    return Image(json.dumps(manifest).encode(), config, layers)


def tag_of(digest: str) -> str:
    """Where cosign's signatures of a manifest are."""
    return f"{digest.replace(':', '-')}.sig"
