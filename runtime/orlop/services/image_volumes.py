"""Image volumes (KEP-4639): images and artifacts that a container mounts read-only.

An image is found once, before anything is made, and its id is on record: a tag that moves later changes nothing. The
mounts belong to the container's root filesystem and go with it.
"""

import os

import msgspec

from orlop.aio.threads import offload
from orlop.engine.storage.rootfs import RootIdmap
from orlop.linux.paths import resolve_in_root
from orlop.model.container import ContainerConfig, ContainerRecord, ImageVolume, Mount
from orlop.model.errors import ImageVolumeMountFailed, InvalidArgument
from orlop.model.image import ImageRecord
from orlop.services.deck import Deck

SAFE_OPTIONS = ("nosuid", "nodev")
"""Programs may run from an image volume, but not with another user's rights."""


class Found(msgspec.Struct, frozen=True):
    """A mount of the request, and the image that it means."""

    mount: Mount
    image: ImageRecord


async def find(deck: Deck, config: ContainerConfig) -> tuple[Found, ...]:
    """The images of a container's image volumes. Raises InvalidArgument or ImageVolumeMountFailed naming the mount."""
    return tuple([await _find(deck, mount) for mount in config.mounts if mount.image is not None])


async def _find(deck: Deck, mount: Mount) -> Found:
    assert mount.image is not None
    label = f"image volume at {mount.container_path!r}"
    name = mount.image.image_ref or mount.image.image
    if not name:
        raise InvalidArgument(f"{label}: image.image is empty")
    if mount.host_path:
        raise InvalidArgument(f"{label}: it has a host_path as well")
    if not mount.readonly:
        raise InvalidArgument(f"{label}: readonly must be true: images are shared and cannot be written")
    image = await deck.images.find(name)
    if image is None:
        raise ImageVolumeMountFailed(f"{label}: image {name!r} is not on this node: pull it first")
    return Found(mount, image)


def recorded(volumes: tuple[Found, ...]) -> tuple[ImageVolume, ...]:
    """What the container's record keeps."""
    return tuple(ImageVolume(container_path=each.mount.container_path, image_id=each.image.id) for each in volumes)


async def mount_all(
    deck: Deck, record: ContainerRecord, volumes: tuple[Found, ...], idmap: RootIdmap | None, label: str
) -> tuple[Mount, ...]:
    """Mount each below the container's directory; returns config.mounts, all of host paths now.

    In a pod with a user namespace (idmap) their owners are mapped like those of the root filesystem, and they have its
    SELinux label.
    """
    mounts = iter([await _mounted(deck, record, number, each, idmap, label) for number, each in enumerate(volumes)])
    return tuple(mount if mount.image is None else next(mounts) for mount in record.config.mounts)


async def _mounted(
    deck: Deck, record: ContainerRecord, number: int, volume: Found, idmap: RootIdmap | None, label: str
) -> Mount:
    mount = volume.mount
    root = await deck.roots.mount_image(record.id, number, volume.image.layers, idmap=idmap, label=label)
    try:
        source = await offload(_inside, root, mount.image_sub_path)
    except OSError as error:
        raise ImageVolumeMountFailed(
            f"image volume at {mount.container_path!r}: cannot use image_sub_path {mount.image_sub_path!r} of "
            f"{volume.image.id}: {error.strerror}"
        ) from error
    options = tuple(dict.fromkeys((*mount.mount_options, *SAFE_OPTIONS)))
    changes = {"host_path": source, "image": None, "mount_options": options, "uid_mappings": (), "gid_mappings": ()}
    return msgspec.structs.replace(mount, **changes)


def _inside(root: str, sub_path: str) -> str:
    """A file or directory of an image; links are followed inside it only. Raises OSError."""
    return resolve_in_root(root, sub_path) if sub_path else os.path.realpath(root, strict=True)


def shown(record: ContainerRecord) -> tuple[Mount, ...]:
    """config.mounts as the status tells them: each image volume with the id of its image (KEP-5365)."""
    ids = iter(record.image_volumes)
    return tuple(
        mount
        if mount.image is None
        else msgspec.structs.replace(mount, image=msgspec.structs.replace(mount.image, image_ref=next(ids).image_id))
        for mount in record.config.mounts
    )


def images_in_use(deck: Deck) -> dict[str, str]:
    """Ids of images that containers are made of or have mounted, with who uses each, for messages."""
    used: dict[str, str] = {}
    for entry in deck.state.containers:
        record = entry.record
        used[record.image_id] = f"container {record.id}"
        for volume in record.image_volumes:
            used.setdefault(volume.image_id, f"container {record.id}, as its volume {volume.container_path}")
    return used
