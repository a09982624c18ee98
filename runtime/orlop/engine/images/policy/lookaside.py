"""registries.d (containers-registries.d(5)): where GPG signatures of a repository are, and bringing them. YAML files.

A signature is at <lookaside>/<repository path>@<algorithm>=<hex>/signature-<number>, by http(s) or in a directory.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec

from orlop.aio.threads import offload
from orlop.engine.images.files import Mark, content, drop_ins, mark
from orlop.engine.images.policy.scopes import scopes_of
from orlop.engine.images.reference import Reference
from orlop.engine.storage import digests
from orlop.linux.files import read_bytes
from orlop.model.errors import InvalidArgument, OrlopError, Unavailable

if TYPE_CHECKING:
    from orlop.engine.images.transport import Transport

log = logging.getLogger(__name__)

DEFAULT = "file:///var/lib/containers/sigstore"
MAX_SIGNATURES = 32
MAX_SIGNATURE = 1 << 20


class _Place(msgspec.Struct, frozen=True, rename="kebab"):
    lookaside: str = ""
    sigstore: str = ""
    """The older name of the same."""

    @property
    def url(self) -> str:
        return self.lookaside or self.sigstore


class _File(msgspec.Struct, frozen=True, rename="kebab"):
    default_docker: _Place | None = None
    docker: dict[str, _Place] | None = None


@dataclass(frozen=True, slots=True)
class _Places:
    default: str = DEFAULT
    by_scope: dict[str, str] | None = None


class Lookaside:
    """The files of a directory. It need not be there. What breaks leaves what was read before in force."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._mark: Mark = (("", 0, 0, 0),)
        self._places: _Places | None = None
        self._error = ""

    def base(self, name: Reference) -> str:
        """The URL below which a repository's signatures are. Raises InvalidArgument naming file and key."""
        now = mark(drop_ins(self._directory, ".yaml"))
        if now != self._mark:
            self._read(now)
        if self._places is None:
            raise InvalidArgument(self._error)
        by_scope = self._places.by_scope or {}
        scope = next((each for each in scopes_of(name) if by_scope.get(each)), "")
        url = by_scope.get(scope, "") or self._places.default
        return f"{url.rstrip('/')}/{name.path}"

    def _read(self, now: Mark) -> None:
        self._mark, self._error = now, ""
        try:
            self._places = _merged([(path, _parse(content(path), path)) for path, *_ in now])
        except OrlopError as error:
            self._error = str(error)
            log.error("%s%s", error, "" if self._places is None else "; what was read before stays in force")


def _parse(data: bytes, path: str) -> _File:
    import yaml

    try:
        raw = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InvalidArgument(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    try:
        return msgspec.convert({} if raw is None else raw, _File)
    except (msgspec.ValidationError, RecursionError) as error:
        what, _, where = str(error).partition(" - at `$")
        raise InvalidArgument(f"{path}: {where.strip('`.') or 'the file'}: {what}") from error


def _merged(files: Sequence[tuple[str, _File]]) -> _Places:
    default, by_scope = "", dict[str, str]()
    for path, file in files:
        if file.default_docker is not None:
            if default:
                raise InvalidArgument(f"{path}: default-docker: another file has it, too")
            default = _checked(file.default_docker.url, f"{path}: default-docker")
        for scope, place in (file.docker or {}).items():
            if scope in by_scope:
                raise InvalidArgument(f"{path}: docker.{scope}: another file has it, too")
            by_scope[scope] = _checked(place.url, f"{path}: docker.{scope}")
    return _Places(default or DEFAULT, by_scope)


def _checked(url: str, key: str) -> str:
    parts = urlsplit(url)
    if url and not ((parts.scheme == "file" and parts.path) or (parts.scheme in ("http", "https") and parts.netloc)):
        raise InvalidArgument(f"{key}: {url!r} is no http, https or file URL")
    return url


async def signatures(base: str, digest: str, transport: "Transport") -> list[bytes]:
    """All signatures of a manifest, at most MAX_SIGNATURES."""
    found: list[bytes] = []
    while len(found) < MAX_SIGNATURES:
        place = f"{base}@{digests.algorithm(digest)}={digests.hexadecimal(digest)}/signature-{len(found) + 1}"
        data = await (_from_file(place) if base.startswith("file:") else _from_web(place, transport))
        if data is None:
            break
        found.append(data)
    return found


async def _from_file(url: str) -> bytes | None:
    path = unquote(urlsplit(url).path)
    try:
        return await offload(read_bytes, path, limit=MAX_SIGNATURE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidArgument(f"signature {path} cannot be read: {error.strerror}") from error


async def _from_web(url: str, transport: "Transport") -> bytes | None:
    from orlop.engine.images.transport import Request, read_up_to

    response = await transport.send(Request(url=url, what="a signature", headers={}))
    data = await read_up_to(response, MAX_SIGNATURE + 1)
    if response.status in (403, 404):
        return None
    if response.status != 200:
        raise Unavailable(f"{urlsplit(url).netloc} answers {response.status} to the signature {url}")
    if len(data) > MAX_SIGNATURE:
        raise InvalidArgument(f"signature {url} has more than {MAX_SIGNATURE} bytes")
    return data
