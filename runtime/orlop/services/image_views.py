"""How a recorded image looks in the CRI. Used by the image verbs."""

from orlop.model.image import Image, ImageRecord, ImageSpec


def view(record: ImageRecord) -> Image:
    """The CRI's view of an image."""
    uid, username = _user(record.config.user)
    return Image(
        id=record.id,
        repo_tags=record.tags,
        repo_digests=record.digests,
        size=record.size,
        uid=uid,
        username=username,
        spec=ImageSpec(image=record.id, annotations=record.annotations),
        pinned=record.pinned,
    )


def _user(user: str) -> tuple[int | None, str]:
    """The configuration's "user[:group]": a number is reported as uid, anything else as username."""
    name = user.partition(":")[0]
    if name.isdecimal():
        return int(name), ""
    # An image without a user runs as root, and the kubelet's runAsNonRoot check must see that.
    return (None, name) if name else (0, "")
