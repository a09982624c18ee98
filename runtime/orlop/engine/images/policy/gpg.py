"""GPG signatures of simple signing (containers-signature(5)), verified by gpgv, which trusts the given keys alone.

Formats of packets are gpgv's business: it runs as a process of its own, on files in a directory that is removed.
"""

import base64
import binascii
import os
import re
import shutil
import tempfile

from orlop.aio.process import CommandError, run
from orlop.aio.threads import offload
from orlop.linux.files import read_bytes, remove_tree, write_atomic
from orlop.model.errors import FailedPrecondition, InvalidArgument

TIMEOUT = 30.0
MAX_PAYLOAD = 1 << 20
_ARMOR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\r\n]*: [^\r\n]*\r?\n)*\r?\n(.*?)"
    rb"-----END PGP PUBLIC KEY BLOCK-----",
    re.DOTALL,
)
_BAD = frozenset("BADSIG ERRSIG EXPSIG EXPKEYSIG REVKEYSIG NODATA UNEXPECTED NO_PUBKEY".split())


def keyring(keys: bytes) -> bytes:
    """Public keys as gpgv reads them: armor taken off (RFC 9580, section 6). Raises InvalidArgument."""
    blocks = _ARMOR.findall(keys)
    if not blocks and b"-----BEGIN" not in keys:
        return keys
    try:
        found = [base64.b64decode(_without_checksum(block), validate=True) for block in blocks]
    except binascii.Error as error:
        raise InvalidArgument(f"the armor of a public key cannot be read: {error}") from error
    if not found:
        raise InvalidArgument("there is no public key in it")
    return b"".join(found)


def _without_checksum(block: bytes) -> bytes:
    lines = [line.strip() for line in block.splitlines()]
    return b"".join(line for line in lines if not (line.startswith(b"=") and len(line) == 5))


async def verified(signature: bytes, keys: bytes) -> bytes:
    """The payload of a signature made by one of the keys, which are as `keyring` gives them.

    Raises InvalidArgument where it was not, or where the key or the signature has expired or been revoked.
    """
    program = shutil.which("gpgv")
    if program is None:
        raise FailedPrecondition("gpgv is not installed, and without it no GPG signature can be verified")
    place = await offload(tempfile.mkdtemp, prefix="orlop-gpgv-")
    try:
        return await _verified(program, place, signature, keys)
    finally:
        await offload(remove_tree, place)


async def _verified(program: str, place: str, signature: bytes, keys: bytes) -> bytes:
    ring, signed, payload = (os.path.join(place, name) for name in ("keys", "signature", "payload"))
    for path, data in ((ring, keys), (signed, signature)):
        await offload(write_atomic, path, data, 0o600)
    argv = [program, "--homedir", place, "--keyring", ring, "--status-fd", "1", "--output", payload, signed]
    try:
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
        finished = await run(argv, timeout=TIMEOUT, check=False, env=environment)
    except CommandError as error:
        raise InvalidArgument(f"gpgv cannot verify it: {error}") from error
    said = [line.split()[1] for line in finished.stdout.decode(errors="replace").splitlines() if _is_status(line)]
    if finished.returncode != 0 or _BAD & set(said) or said.count("GOODSIG") != 1 or said.count("VALIDSIG") != 1:
        raise InvalidArgument(f"gpgv does not find it good: {' '.join(said) or 'it says nothing'}")
    try:
        return await offload(read_bytes, payload, limit=MAX_PAYLOAD)
    except OSError as error:
        raise InvalidArgument(f"its payload cannot be read: {error.strerror}") from error


def _is_status(line: str) -> bool:
    return line.startswith("[GNUPG:] ") and len(line.split()) > 1
