"""auth.json files (containers-auth.json(5)): credentials of the node, and of single namespaces. Read when they change.

What is in them is never told: errors name the file and the key, not the value.
"""

import hashlib
import logging
import os
import re
from collections.abc import Sequence

import msgspec

from orlop.engine.images.credentials import ANONYMOUS, Credentials, decode_basic
from orlop.engine.images.files import Mark, content, mark
from orlop.engine.images.reference import DEFAULT_DOMAIN, Reference
from orlop.model.errors import InvalidArgument, OrlopError

log = logging.getLogger(__name__)

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io")


class _Entry(msgspec.Struct, frozen=True, rename="lower"):
    auth: str = ""
    identity_token: str = msgspec.field(default="", name="identitytoken")


class _File(msgspec.Struct, frozen=True):
    auths: dict[str, _Entry] = {}


class AuthFiles:
    """The files of a node. None of them need be there."""

    def __init__(self, paths: Sequence[str], namespaced: str = "") -> None:
        """`paths` are asked in this order. `namespaced`: a directory with files of namespaces; empty: there is none."""
        self._paths = tuple(paths)
        self._namespaced = namespaced
        self._known: dict[str, tuple[Mark, _File]] = {}

    def of_namespace(self, namespace: str, asked: str, name: Reference) -> Credentials:
        """Credentials that a namespace has for a repository. `asked`: the image as the pod names it.

        <namespace>-<SHA-256 of the image as asked for>.json, as a credential provider writes it, goes before
        <namespace>.json.
        """
        if not self._namespaced or not _NAMESPACE.fullmatch(namespace):
            return ANONYMOUS
        digest = hashlib.sha256(asked.encode()).hexdigest()
        names = (f"{namespace}-{digest}.json", f"{namespace}.json")
        return self._first([os.path.join(self._namespaced, each) for each in names], name)

    def of_node(self, name: Reference) -> Credentials:
        """Credentials that the node has for a repository."""
        return self._first(self._paths, name)

    @property
    def has_namespaces(self) -> bool:
        """Whether it may matter who asks."""
        return bool(self._namespaced)

    def _first(self, paths: Sequence[str], name: Reference) -> Credentials:
        for path in paths:
            if found := _lookup(self._read(path), path, name):
                return found
        return ANONYMOUS

    def _read(self, path: str) -> _File:
        now = mark([path])
        before = self._known.get(path)
        if before is not None and before[0] == now:
            return before[1]
        try:
            found = _parse(content(path), path) if now else _File()
        except OrlopError as error:
            log.error("%s; %s", error, "it gives no credentials" if before is None else "what it said before stays")
            found = _File() if before is None else before[1]
        if now:
            self._known[path] = (now, found)
        else:
            self._known.pop(path, None)  # files of namespaces come and go: nothing is kept of those that went
        return found


def _parse(data: bytes, path: str) -> _File:
    try:
        return msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = str(error) if isinstance(error, msgspec.ValidationError) else "it is not JSON"
        raise InvalidArgument(f"{path}: {what}") from None


def _lookup(file: _File, path: str, name: Reference) -> Credentials:
    """The most special entry: repository, its parents, the host."""
    for key in _keys(name):
        entry = file.auths.get(key)
        if entry is None or not (entry.auth or entry.identity_token):
            continue
        try:
            username, password = decode_basic(entry.auth) if entry.auth else ("", "")
        except InvalidArgument:
            log.error("%s: auths.%s.auth is not base64 of username:password", path, key)
            continue
        return Credentials(username, password, entry.identity_token)
    return ANONYMOUS


def _keys(name: Reference) -> list[str]:
    parts = name.path.split("/")
    paths = [f"{name.domain}/{'/'.join(parts[:count])}" for count in range(len(parts), 0, -1)]
    hosts = [name.domain, f"https://{name.domain}", f"https://{name.domain}/v1/", f"https://{name.domain}/v2/"]
    return [*paths, *hosts, *(_HUB_KEYS if name.domain == DEFAULT_DOMAIN else ())]
