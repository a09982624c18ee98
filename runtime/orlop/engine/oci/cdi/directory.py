"""The node's CDI specification files: found and read when a container asks for a device, so they are always current.

A file that has not changed since is not read again. One that is broken hides its own devices only, and is named where
a device is then missing.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from orlop.engine.oci.cdi.names import DeviceName
from orlop.engine.oci.cdi.schema import Device, Specification, decode
from orlop.linux.files import read_bytes
from orlop.model.errors import FailedPrecondition

FILE_LIMIT = 4 << 20
"""Bytes of one file."""
MOST_FILES = 1000

_Identity = tuple[int, int, int, int]


class Found(msgspec.Struct, frozen=True):
    """A device with the file that describes it."""

    device: Device
    specification: Specification
    path: str


@dataclass(slots=True)
class Contents:
    """All directories as they are now."""

    devices: dict[DeviceName, Found] = field(default_factory=dict)
    conflicts: dict[DeviceName, tuple[str, str]] = field(default_factory=dict)
    """Devices that two files of one directory describe."""
    broken: dict[str, str] = field(default_factory=dict)
    """Path to what is wrong with the file."""


class Directories:
    """Directories of *.json and *.yaml files. Those of a later directory win over an earlier one's."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = tuple(paths)
        self._kept: dict[str, tuple[_Identity, Specification | str]] = {}

    def find(self, names: Sequence[DeviceName]) -> tuple[Found, ...]:
        """The devices in this order. Raises FailedPrecondition naming a device and what is known of it. Blocks."""
        contents = self._read()
        return tuple(self._one(contents, name) for name in names)

    def _one(self, contents: Contents, name: DeviceName) -> Found:
        if name in contents.conflicts:
            one, other = contents.conflicts[name]
            raise FailedPrecondition(f"CDI device {name} is described by both {one} and {other}")
        if name in contents.devices:
            return contents.devices[name]
        broken = "".join(f"; {path} is unusable: {why}" for path, why in sorted(contents.broken.items()))
        raise FailedPrecondition(f"CDI device {name} is in no file of {', '.join(self._paths) or '(none)'}{broken}")

    def _read(self) -> Contents:
        contents = Contents()
        seen: set[str] = set()
        for directory in self._paths:
            self._read_directory(directory, contents, seen)
        for path in self._kept.keys() - seen:
            del self._kept[path]
        return contents

    def _read_directory(self, directory: str, contents: Contents, seen: set[str]) -> None:
        here: dict[DeviceName, str] = {}
        for name in _files(directory):
            path = f"{directory}/{name}"
            seen.add(path)
            specification = self._specification(path)
            if isinstance(specification, str):
                contents.broken[path] = specification
                continue
            for device in specification.devices:
                full = DeviceName(specification.kind, device.name)
                if full in here:
                    contents.conflicts[full] = (here[full], path)
                else:
                    here[full] = path
                    contents.conflicts.pop(full, None)
                    contents.devices[full] = Found(device, specification, path)

    def _specification(self, path: str) -> Specification | str:
        """The file, or what is wrong with it."""
        try:
            info = os.stat(path)
            identity = (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)
            if path not in self._kept or self._kept[path][0] != identity:
                self._kept[path] = (identity, _load(path))
        except OSError as error:
            return error.strerror or str(error)
        return self._kept[path][1]


def _load(path: str) -> Specification | str:
    data = read_bytes(path, limit=FILE_LIMIT)
    try:
        return decode(data, yaml=not path.endswith(".json"))
    except ValueError as error:
        return str(error)


def _files(directory: str) -> list[str]:
    try:
        names = os.listdir(directory)
    except OSError:  # not there, or not a directory: no devices
        return []
    return sorted(name for name in names if name.endswith((".json", ".yaml", ".yml")) and not name.startswith("."))[
        :MOST_FILES
    ]
