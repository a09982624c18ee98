"""How a recorded image looks in the CRI. Used by the image verbs."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from orlop.model.image import Image, ImageRecord, ImageSpec


def view(record: ImageRecord, pinned_names: Iterable[str]) -> Image:
    """The CRI's view of an image. Pinned: by its record, or because a name of it matches a configured pattern."""
    uid, username = _user(record.config.user)
    return Image(
        id=record.id,
        repo_tags=record.tags,
        repo_digests=record.digests,
        size=record.size,
        uid=uid,
        username=username,
        spec=ImageSpec(image=record.id, annotations=record.annotations),
        pinned=record.pinned or _pinned(record, pinned_names),
    )


def _user(user: str) -> tuple[int | None, str]:
    """The configuration's "user[:group]": a number is reported as uid, anything else as username."""
    name = user.partition(":")[0]
    if name.isdecimal():
        return int(name), ""
    # An image without a user runs as root, and the kubelet's runAsNonRoot check must see that.
    return (None, name) if name else (0, "")


def _pinned(record: ImageRecord, patterns: Iterable[str]) -> bool:
    names = (record.id, *record.tags, *record.digests)
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)
