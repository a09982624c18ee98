"""Names of CDI devices, "vendor.com/class=name" (CDI specification), and where a container asks for them."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from orlop.model.errors import InvalidArgument

ANNOTATION = "cdi.k8s.io/"
"""Prefix of annotations whose value is a list of devices, separated by commas."""

_KIND = re.compile(r"[A-Za-z]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9])?/[A-Za-z]([A-Za-z0-9_-]{0,62}[A-Za-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.:-]{0,252}[A-Za-z0-9])?")


class DeviceName(msgspec.Struct, frozen=True):
    """A fully qualified name in its two parts."""

    kind: str
    """ "vendor.com/class"."""
    name: str

    def __str__(self) -> str:
        return f"{self.kind}={self.name}"


def is_kind(text: str) -> bool:
    """Whether this is "vendor/class"."""
    return _KIND.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether a device may be called so within its kind."""
    return _NAME.fullmatch(text) is not None


def parse(text: str, field: str) -> DeviceName:
    """Raises InvalidArgument naming the field."""
    kind, equals, name = text.partition("=")
    if not (equals and is_kind(kind) and is_name(name)):
        raise InvalidArgument(f"{field}: {text[:300]!r} is not a CDI device such as vendor.com/class=name")
    return DeviceName(kind, name)


def wanted(devices: Sequence[str], annotations: Mapping[str, str]) -> tuple[DeviceName, ...]:
    """All that a container asks for, by its CDI_devices and by its annotations; each once."""
    found = [parse(device, f"CDI_devices[{number}]") for number, device in enumerate(devices)]
    for key in sorted(annotations):
        if key.startswith(ANNOTATION):
            found += [parse(each.strip(), f"annotation {key}") for each in annotations[key].split(",")]
    return tuple(dict.fromkeys(found))
