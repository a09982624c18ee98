"""How a recorded image looks in the CRI. Used by the image verbs.

What an image says of itself comes from whoever made it: one image must not make the list of all of them unanswerable.
"""

from orlop.engine.oci.users import number
from orlop.model.image import Image, ImageRecord, ImageSpec

MAX_ANNOTATIONS = 1 << 14
"""Characters of an image's annotations that are shown; more of them are left out. A manifest may have megabytes."""
MAX_USER = 256
"""Characters of a user's name."""


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
        spec=ImageSpec(image=record.id, annotations=_annotations(record)),
        pinned=record.pinned,
    )


def _annotations(record: ImageRecord) -> dict[str, str]:
    size = sum(len(key) + len(value) for key, value in record.annotations.items())
    return record.annotations if size <= MAX_ANNOTATIONS else {}


def _user(user: str) -> tuple[int | None, str]:
    """The configuration's "user[:group]": a number is reported as uid, anything else as username."""
    name = user.partition(":")[0]
    if (uid := number(name)) is not None:
        return uid, ""
    # An image without a user runs as root, and the kubelet's runAsNonRoot check must see that.
    return (None, name[:MAX_USER]) if name else (0, "")
