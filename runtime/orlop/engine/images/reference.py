"""Image references: "busybox", "registry.k8s.io/pause:3.10", "host:5000/a/b@sha256:…". Pure.

The grammar is the distribution project's; short names mean Docker Hub. Mirrors and aliases are not here.
"""

import re
from dataclasses import dataclass, replace
from typing import NoReturn

from orlop.engine.storage.digests import is_digest
from orlop.model.errors import InvalidArgument

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
MAX_REPOSITORY = 255

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]{{1,5}})?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A normalised reference: domain and path, with a tag, a digest, or both (then the digest decides)."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        """Domain and path."""
        return f"{self.domain}/{self.path}"

    @property
    def target(self) -> str:
        """What a registry is asked for: the digest if there is one, else the tag."""
        return self.digest or self.tag

    def with_digest(self, digest: str) -> "Reference":
        """The same repository at a digest."""
        return replace(self, tag="", digest=digest)

    def __str__(self) -> str:
        return self.repository + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """Read a reference as people write it. Raises InvalidArgument naming the part that is wrong."""

    def refuse(why: str) -> NoReturn:
        raise InvalidArgument(f"image reference {text[:300]!r}: {why}")

    if not text:
        refuse("it is empty")
    if _ID.fullmatch(text):
        refuse("64 hexadecimal digits are an image id, not a name")
    name, at, digest = text.partition("@")
    if at and not is_digest(digest):
        refuse(f"the digest {digest!r} is not sha256:<64 hexadecimal digits> (or sha512 with 128)")
    name, tag = _split_tag(name)
    if tag is not None and not _TAG.fullmatch(tag):
        refuse(f"the tag {tag!r} is not made of at most 128 letters, digits, '_', '.' and '-'")
    domain, path = _split_domain(name)
    if not _DOMAIN.fullmatch(domain):
        refuse(f"the registry {domain!r} is not a host name with an optional port")
    if not path:
        refuse("it has no repository name")
    if not _PATH.fullmatch(path):
        hint = "; it must be lower case" if path != path.lower() else ""
        refuse(f"the repository {path!r} is not made of lower-case names joined by '/'{hint}")
    if len(domain) + 1 + len(path) > MAX_REPOSITORY:
        refuse(f"the name is longer than {MAX_REPOSITORY} characters")
    return Reference(domain, path, tag or ("" if digest else DEFAULT_TAG), digest)


def is_domain(text: str) -> bool:
    """Whether this is a host name or address with an optional port."""
    return _DOMAIN.fullmatch(text) is not None


def is_short(text: str) -> bool:
    """Whether a reference names no registry: which one is meant is then for registries.conf to say."""
    first, slash, _ = text.partition("@")[0].partition("/")
    return not (slash and _is_host(first))


def _is_host(first: str) -> bool:
    """The first part of a name is a host if it looks like one."""
    return first == "localhost" or any(each in first for each in ".:[") or first != first.lower()


def _split_tag(name: str) -> tuple[str, str | None]:
    """A colon after the last slash begins a tag; one before it begins a port."""
    head, slash, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    return head + slash + last, tag if colon else None


def _split_domain(name: str) -> tuple[str, str]:
    """The first part is a host if it looks like one; otherwise the name is of Docker Hub."""
    first, slash, rest = name.partition("/")
    domain, path = (first, rest) if slash and _is_host(first) else (DEFAULT_DOMAIN, name)
    if domain == "index.docker.io":
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and path and "/" not in path:
        path = f"library/{path}"
    return domain, path
