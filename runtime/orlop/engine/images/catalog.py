"""Which names an image has: tags move, digests stay, the last name takes the image along. Pure, over records."""

import re
from collections.abc import Collection, Iterable, Sequence

import msgspec

from orlop.engine.images import reference
from orlop.model.base import Value
from orlop.model.errors import InvalidArgument
from orlop.model.image import ImageRecord

_PREFIX = re.compile(r"(?:sha256:|sha512:)?([0-9a-f]{12,127})")


class Change(Value):
    """What a change of names does to the records."""

    put: tuple[ImageRecord, ...] = ()
    delete: tuple[str, ...] = ()


def _replace(record: ImageRecord, *, tags: Iterable[str], digests: Iterable[str]) -> ImageRecord:
    return msgspec.structs.replace(record, tags=tuple(sorted(set(tags))), digests=tuple(dict.fromkeys(digests)))


def find(images: Sequence[ImageRecord], text: str) -> ImageRecord | None:
    """By id, name, or the beginning of an id. Raises InvalidArgument when several ids begin so."""
    by_id = [image for image in images if text in (image.id, image.id.partition(":")[2])]
    if by_id:
        return by_id[0]
    try:
        named = find_name(images, reference.parse(text))
    except InvalidArgument:
        named = None
    return named or _by_prefix(images, text)


def find_name(images: Sequence[ImageRecord], name: reference.Reference) -> ImageRecord | None:
    """By tag, or by digest when the name has one."""
    wanted = str(name.with_digest(name.digest)) if name.digest else str(name)
    return next((image for image in images if wanted in (image.digests if name.digest else image.tags)), None)


def _by_prefix(images: Sequence[ImageRecord], text: str) -> ImageRecord | None:
    match = _PREFIX.fullmatch(text)
    if match is None:
        return None
    found = [image for image in images if image.id.partition(":")[2].startswith(match[1])]
    if len(found) > 1:
        raise InvalidArgument(f"{len(found)} images have ids that begin with {text!r}; give more of it")
    return found[0] if found else None


def add(images: Sequence[ImageRecord], new: ImageRecord) -> Change:
    """Record an image. It keeps the names it had; tags that it takes over are lost by who had them."""
    old = next((image for image in images if image.id == new.id), None)
    if old is not None:
        new = _replace(new, tags=(*old.tags, *new.tags), digests=(*new.digests, *old.digests))
    robbed = [
        _replace(image, tags=set(image.tags) - set(new.tags), digests=image.digests)
        for image in images
        if image.id != new.id and set(image.tags) & set(new.tags)
    ]
    return Change(put=(new, *robbed))


def remove(images: Sequence[ImageRecord], text: str) -> tuple[ImageRecord | None, Change]:
    """Take a name away, or with an id all of them. The image itself goes when no name is left.

    A repository's digests are no names to keep an image for once its last tag in that repository has gone.
    """
    image = find(images, text)
    if image is None:
        return None, Change()
    if _named(image, text) is None:
        return image, Change(delete=(image.id,))
    name = reference.parse(text)
    tags = [tag for tag in image.tags if name.digest or tag != str(name)]
    digests = [each for each in image.digests if each != str(name.with_digest(name.digest))]
    if not name.digest and not any(reference.parse(tag).repository == name.repository for tag in tags):
        digests = [each for each in image.digests if reference.parse(each).repository != name.repository]
    if not tags and not digests:
        return image, Change(delete=(image.id,))
    return image, Change(put=(_replace(image, tags=tags, digests=digests),))


def _named(image: ImageRecord, text: str) -> ImageRecord | None:
    """The image, if this is one of its names and not its id."""
    try:
        return find_name([image], reference.parse(text))
    except InvalidArgument:
        return None


def is_pinned(image: ImageRecord, patterns: Collection[str]) -> bool:
    """Whether any name matches: exactly, "begins with*", or "*contains*"."""
    names = (*image.tags, *image.digests)
    return any(_matches(name, pattern) for pattern in patterns for name in names)


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*") and pattern.endswith("*"):
        return pattern.strip("*") in name
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    try:
        return name == str(reference.parse(pattern))
    except InvalidArgument:
        return False
