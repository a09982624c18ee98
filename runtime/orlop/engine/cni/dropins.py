"""Plugins beside a conflist, in the directory with its network's name: *.conf in name order, after those in the list.

CNI specification 1.1, section 1 (loadOnlyInlinedPlugins). Others (Istio, say) chain their plugin in like this without
writing into the network's own file. A file that is malformed spoils the network: the chain must not lose a firewall
silently.
"""

import os

import msgspec

from orlop.engine.cni.conflist import SIZE_LIMIT, BadConfig, RawObject, flag, json_object, network_name, plugin_of
from orlop.linux.files import read_bytes

MOST = 64
"""Files in one directory."""


def place(data: bytes, path: str) -> str:
    """The directory of more plugins for this conflist; empty where there is none or the list wants none.

    Raises BadConfig for a file that is no object or has no name.
    """
    if not path.endswith(".conflist"):
        return ""
    top = json_object(data, path)
    directory = f"{os.path.dirname(path)}/{network_name(top, path)}"
    single = "type" in top and "plugins" not in top
    if single or flag(top, "loadOnlyInlinedPlugins", path) or not os.path.isdir(directory):
        return ""
    return directory


def with_those_in(directory: str, data: bytes, path: str) -> bytes:
    """The conflist with the directory's plugins in it, complete as it must be on record. Raises BadConfig, OSError."""
    more = [found for name in _names(directory) if (found := _read(f"{directory}/{name}")) is not None]
    if not more:
        return data
    top = json_object(data, path)
    try:
        own = msgspec.json.decode(top.get("plugins", msgspec.Raw(b"[]")), type=list[msgspec.Raw])
    except msgspec.DecodeError:
        return data  # which is then complained of
    whole: dict[str, object] = {**top, "loadOnlyInlinedPlugins": True, "plugins": [*own, *more]}
    return msgspec.json.encode(whole)


def _names(directory: str) -> list[str]:
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".conf") and not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []  # gone since
    if len(names) > MOST:
        raise BadConfig(f"network configuration {directory} has {len(names)} files; {MOST} are possible")
    return names


def _read(path: str) -> RawObject | None:
    """A plugin's object; None when the file has gone since."""
    try:
        if not os.path.isfile(path) and os.path.lexists(path):
            raise BadConfig(f"network configuration {path} is not a regular file")
        found = json_object(read_bytes(path, limit=SIZE_LIMIT), path)
    except FileNotFoundError:
        return None
    plugin_of(found, path, "")  # so that a mistake is told with its file
    return found
