"""Network configurations (.conflist, .conf, .json) as typed values (CNI specification, section 1). Reads no files.

What plugins alone understand is kept byte for byte: each key of a plugin's object is an unparsed piece of JSON.
Versions 0.3.0 to 1.1.0 are known; 0.1.0 and 0.2.0 have results of another shape and no chains, and are refused.
Unlike libcni a missing cniVersion is an error: it would mean 0.1.0.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TypeVar

import msgspec

from orlop.model.errors import InvalidArgument

T = TypeVar("T")
RawObject = dict[str, msgspec.Raw]

VERSIONS = ("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
"""Known versions of the specification, oldest first."""
CHECK_SINCE = "0.4.0"
"""CHECK, and prevResult for DEL."""
GC_SINCE = "1.1.0"
"""GC and STATUS."""
SIZE_LIMIT = 1 << 20
"""Bytes of a configuration file."""

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
_TYPE = re.compile(r"(?!\.\.?$)[^/\\\s\0]{1,128}")
_BYTE = re.compile(r"\(byte (\d+)\)")
_MAX_PLUGINS = 64


class BadConfig(InvalidArgument):
    """A configuration file is malformed. The text names the file, the field and what is wanted."""


@dataclass(frozen=True, slots=True)
class PluginConfig:
    """One plugin of a chain."""

    type: str
    """Name of its binary."""
    raw: RawObject
    capabilities: frozenset[str] = frozenset()
    """Those that are switched on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """A network: its plugins in the order of ADD."""

    name: str
    path: str
    """The file it came from, for messages."""
    text: bytes
    """The file as it was, for the result cache."""
    cni_version: str
    """The newest one of `candidates`, unless the plugins turn out to be older."""
    candidates: tuple[str, ...]
    """Versions the file allows and we know, oldest first."""
    plugins: tuple[PluginConfig, ...]
    disable_check: bool = False
    disable_gc: bool = False

    def at_least(self, version: str) -> bool:
        """Whether the version in use is that one or a newer one."""
        return VERSIONS.index(self.cni_version) >= VERSIONS.index(version)

    def with_version(self, version: str) -> "NetworkConfig":
        """The same network spoken to in another version of the specification."""
        return replace(self, cni_version=version)


def parse(data: bytes, path: str) -> NetworkConfig:
    """Parse a file: a list with "plugins", or a single plugin's object. Raises BadConfig."""
    if len(data) > SIZE_LIMIT:
        _fail(path, f"is larger than {SIZE_LIMIT} bytes")
    top = json_object(data, path)
    candidates = _versions(top, path)
    return NetworkConfig(
        name=network_name(top, path),
        path=path,
        text=data,
        cni_version=candidates[-1],
        candidates=candidates,
        plugins=_plugins(top, path),
        disable_check=flag(top, "disableCheck", path),
        disable_gc=flag(top, "disableGC", path),
    )


def _fail(path: str, complaint: str) -> NoReturn:
    raise BadConfig(f"network configuration {path} {complaint}")


def json_object(data: bytes, path: str) -> RawObject:
    """The object in a file, its values unparsed. Raises BadConfig."""
    try:
        return msgspec.json.decode(data, type=RawObject)
    except msgspec.ValidationError:
        _fail(path, "is not a JSON object with quoted keys")
    except msgspec.DecodeError as error:
        _fail(path, f"is not JSON: {error}{_line(data, str(error))}")
    except RecursionError:
        _fail(path, "is nested too deeply")


def _line(data: bytes, message: str) -> str:
    """msgspec counts bytes; an editor counts lines."""
    found = _BYTE.search(message)
    if found is None:
        return ""
    line = data.count(b"\n", 0, int(found[1])) + 1
    return f", line {line}"


def _field(top: RawObject, key: str, kind: type[T], path: str, where: str = "") -> T | None:
    """A field of the wanted type; None when it is not there."""
    raw = top.get(key)
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        _fail(path, f"has a bad field {where}{key}: {error}")


def network_name(top: RawObject, path: str) -> str:
    """The network's name, which is a harmless name of a file too. Raises BadConfig."""
    name = _field(top, "name", str, path)
    if name is None:
        _fail(path, "lacks the field name")
    if not _NAME.fullmatch(name):
        _fail(path, f"has a bad field name: {name!r}; wanted are letters, digits, '_', '.', '-'")
    return name


def _versions(top: RawObject, path: str) -> tuple[str, ...]:
    """The versions that the file and we know, oldest first."""
    single = _field(top, "cniVersion", str, path)
    several = _field(top, "cniVersions", list[str], path)
    offered = [*([single] if single is not None else []), *(several or [])]
    if not offered:
        _fail(path, f"lacks the field cniVersion; known are {', '.join(VERSIONS)}")
    known = tuple(version for version in VERSIONS if version in offered)
    if not known:
        _fail(path, f"has an unknown cniVersion: {', '.join(map(repr, offered[:8]))}; known are {', '.join(VERSIONS)}")
    return known


def flag(top: RawObject, key: str, path: str) -> bool:
    """A boolean, also spelled as a string: older files do that. Raises BadConfig."""
    value = _field(top, key, bool | str, path)  # type: ignore[arg-type]  # mypy takes a union for no type
    if isinstance(value, str):
        if value.lower() not in ("true", "false"):
            _fail(path, f"has a bad field {key}: {value!r} is neither true nor false")
        return value.lower() == "true"
    return bool(value)


def _plugins(top: RawObject, path: str) -> tuple[PluginConfig, ...]:
    if "plugins" not in top:
        if "type" not in top:
            _fail(path, "has neither the field plugins (a list) nor type (a single plugin)")
        return (plugin_of(top, path, ""),)
    objects = _field(top, "plugins", list[RawObject], path) or []
    if not 0 < len(objects) <= _MAX_PLUGINS:
        _fail(path, f"has {len(objects)} plugins; 1 to {_MAX_PLUGINS} are possible")
    return tuple(plugin_of(raw, path, f"plugins[{index}].") for index, raw in enumerate(objects))


def plugin_of(raw: RawObject, path: str, where: str) -> PluginConfig:
    """A plugin's object. `where` is its place in the file, for messages. Raises BadConfig."""
    kind = _field(raw, "type", str, path, where)
    if kind is None:
        _fail(path, f"lacks the field {where}type")
    if not _TYPE.fullmatch(kind):
        _fail(path, f"has a bad field {where}type: {kind!r} is not the file name of a plugin")
    capabilities: dict[str, Any] = _field(raw, "capabilities", dict[str, bool], path, where) or {}
    return PluginConfig(kind, raw, frozenset(name for name, on in capabilities.items() if on))
