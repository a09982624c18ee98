"""registries.conf, version 2, as types (containers-registries.conf(5)): one file read and checked. Pure.

Merging files is in rules. Errors name the file and the key.
"""

import tomllib
from typing import Literal

import msgspec

from orlop.engine.images import reference
from orlop.model.errors import InvalidArgument


class Mirror(msgspec.Struct, frozen=True, rename="kebab"):
    """Another place that has the images of a registry."""

    location: str
    insecure: bool = False
    pull_from_mirror: Literal["", "all", "digest-only", "tag-only"] = ""


class Registry(msgspec.Struct, frozen=True, rename="kebab"):
    """What holds for references that begin with `prefix`."""

    prefix: str = ""
    """host[:port][/path], or "*.domain"; empty: the location."""
    location: str = ""
    """Put in place of the prefix; only a "*." prefix can do without."""
    insecure: bool = False
    blocked: bool = False
    mirror_by_digest_only: bool = False
    mirror: tuple[Mirror, ...] = ()


class Document(msgspec.Struct, frozen=True, rename="kebab"):
    """One file. None: it says nothing of this."""

    unqualified_search_registries: tuple[str, ...] | None = None
    short_name_mode: Literal["enforcing", "permissive", "disabled"] | None = None
    registry: tuple[Registry, ...] = ()
    aliases: dict[str, str] = {}


def parse(data: bytes, path: str) -> Document:
    """Read a file. Raises InvalidArgument naming the file and what is wrong in it. Keys of others are left alone."""
    try:
        raw = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"{path} cannot be read as TOML: {error}") from error
    if "registries" in raw:
        raise InvalidArgument(f"{path}: registries: the file has the format of version 1, which is not supported; "
                              "write [[registry]] tables")  # fmt: skip
    try:
        found = msgspec.convert(raw, Document)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise InvalidArgument(f"{path}: {where.strip('`.') or 'the file'}: {what}") from error
    return _checked(found, path)


def _checked(document: Document, path: str) -> Document:
    for host in document.unqualified_search_registries or ():
        _check_place(host, f"{path}: unqualified-search-registries")
    for name, target in document.aliases.items():
        _check_alias(name, target, f"{path}: aliases.{name}")
    registries = tuple(
        _checked_registry(registry, f"{path}: registry[{number}]") for number, registry in enumerate(document.registry)
    )
    return msgspec.structs.replace(document, registry=registries)


def _checked_registry(registry: Registry, key: str) -> Registry:
    prefix, location = registry.prefix.rstrip("/") or registry.location.rstrip("/"), registry.location.rstrip("/")
    if not prefix:
        raise InvalidArgument(f"{key}: it has neither prefix nor location")
    wildcard = prefix.startswith("*.")
    _check_place(
        prefix[2:] if wildcard else prefix, f"{key}.{'prefix' if registry.prefix else 'location'}", host_only=wildcard
    )
    if location:
        _check_place(location, f"{key}.location")
    elif not wildcard:
        raise InvalidArgument(f'{key}.location: only a prefix like "*.example.com" can do without')
    for number, mirror in enumerate(registry.mirror):
        _check_place(mirror.location.rstrip("/"), f"{key}.mirror[{number}].location")
        if registry.mirror_by_digest_only and mirror.pull_from_mirror:
            raise InvalidArgument(f"{key}.mirror[{number}].pull-from-mirror: cannot be set together with "
                                  "mirror-by-digest-only")  # fmt: skip
    mirrors = tuple(msgspec.structs.replace(mirror, location=mirror.location.rstrip("/")) for mirror in registry.mirror)
    return msgspec.structs.replace(registry, prefix=prefix, location=location, mirror=mirrors)


def _check_place(text: str, key: str, *, host_only: bool = False) -> None:
    if "://" in text:
        raise InvalidArgument(f"{key}: {text!r}: write host[:port][/path], without a scheme")
    host = text.partition("/")[0]
    if not reference.is_domain(host) or (host_only and "/" in text):
        raise InvalidArgument(f"{key}: {text!r} does not begin with the name of a host")


def _check_alias(name: str, target: str, key: str) -> None:
    if not target:
        return  # takes back the alias of an earlier file
    if not reference.is_short(name) or ":" in name or "@" in name:
        raise InvalidArgument(f"{key}: a short name has neither a registry nor a tag")
    parsed = reference.parse(target)
    if reference.is_short(target) or parsed.digest or ":" in target.rpartition("/")[2]:
        raise InvalidArgument(f"{key}: {target!r} must be a registry and a repository, without a tag")
