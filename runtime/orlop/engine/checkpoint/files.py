"""A checkpoint's files (checkpointctl's format, as CRI-O and Podman write it): as a directory, and as one tar archive.

    checkpoint/        CRIU's images
    config.dump        whose container, of which image, when
    spec.dump          its config.json
    rootfs-diff.tar    what it had written
    deleted.files      what it had deleted of its image
    dump.log           CRIU's

Archives come from elsewhere: names, kinds and sizes of what is read out of them are checked.
"""

import os
import shutil
import tarfile
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from orlop.linux.files import ensure_dir, read_bytes, write_atomic
from orlop.model.errors import InvalidArgument

T = TypeVar("T")

IMAGES = "checkpoint"
CONFIG, SPEC, DIFF, DELETED, LOG = "config.dump", "spec.dump", "rootfs-diff.tar", "deleted.files", "dump.log"
WANTED = (CONFIG, SPEC, DIFF, DELETED)
"""Read out of an archive, besides CRIU's images; the rest is for people."""
MOST_FILES = 100_000
MOST_JSON = 16 << 20
"""Bytes of a JSON file."""


class ConfigDump(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """config.dump."""

    id: str = ""
    name: str = ""
    rootfs_image: str = ""
    """As the kubelet asked for it."""
    rootfs_image_ref: str = ""
    """The image's id."""
    rootfs_image_name: str = ""
    runtime: str = ""
    """The handler."""
    created_time: str = ""
    checkpointed_time: str = ""
    restored_time: str = ""
    restored: bool = False


class SpecDump(msgspec.Struct, frozen=True):
    """The parts of spec.dump that matter here."""

    mounts: list[dict[str, Any]] = []
    process: dict[str, Any] = {}


def write_json(directory: str, name: str, value: object) -> None:
    """One of the JSON files."""
    write_atomic(os.path.join(directory, name), msgspec.json.encode(value), 0o600)


def read_config(directory: str) -> ConfigDump:
    """config.dump. Raises InvalidArgument."""
    return _decoded(directory, CONFIG, ConfigDump)


def read_spec(directory: str, name: str = SPEC) -> SpecDump:
    """spec.dump, or a bundle's config.json. Raises InvalidArgument."""
    return _decoded(directory, name, SpecDump)


def read_deleted(directory: str) -> list[str]:
    """deleted.files; there is none where nothing was deleted. Raises InvalidArgument."""
    if not os.path.lexists(os.path.join(directory, DELETED)):
        return []
    return _decoded(directory, DELETED, list[str])


def _decoded(directory: str, name: str, kind: type[T]) -> T:
    path = os.path.join(directory, name)
    try:
        return msgspec.json.decode(read_bytes(path, limit=MOST_JSON), type=kind)
    except FileNotFoundError as error:
        raise InvalidArgument(f"the checkpoint has no {name}: it is no checkpoint of a container") from error
    except (ValueError, OSError) as error:
        raise InvalidArgument(f"the checkpoint's {name} cannot be used: {error}") from error


def pack(directory: str, location: str) -> None:
    """The directory as one archive, readable by root alone, which appears whole or not at all. Raises OSError."""
    partial = f"{location}.partial"
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for name in sorted(os.listdir(directory)):
                    tar.add(os.path.join(directory, name), arcname=name)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, location)
    except BaseException:
        if os.path.lexists(partial):
            os.unlink(partial)
        raise


def unpack(archive: str, directory: str) -> None:
    """What is needed of an archive, into a new directory. Raises InvalidArgument for one that is none."""
    ensure_dir(os.path.join(directory, IMAGES), 0o700)
    try:
        with tarfile.open(archive, mode="r:*") as tar:
            for member, target in _members(tar, directory):
                source = tar.extractfile(member)
                assert source is not None  # only regular files are given
                with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
    except (tarfile.TarError, EOFError, FileExistsError, UnicodeError, RecursionError) as error:
        raise InvalidArgument(f"{archive} is no checkpoint: {error}") from error


def _members(tar: tarfile.TarFile, directory: str) -> Iterator[tuple[tarfile.TarInfo, str]]:
    """Regular files of the names that are needed. A name is compared, never followed."""
    for number, member in enumerate(tar):
        if number >= MOST_FILES:
            raise InvalidArgument(f"the checkpoint has more than {MOST_FILES} files")
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        image = len(parts) == 2 and parts[0] == IMAGES and parts[1] != ".."
        if member.isreg() and (image or (len(parts) == 1 and parts[0] in WANTED)):
            yield member, os.path.join(directory, *parts)


def copy(source: str, directory: str) -> None:
    """What is needed of a checkpoint's directory, which stays as it is. Raises InvalidArgument, OSError."""
    ensure_dir(os.path.join(directory, IMAGES), 0o700)
    for name in WANTED:
        if os.path.isfile(os.path.join(source, name)):
            shutil.copyfile(os.path.join(source, name), os.path.join(directory, name), follow_symlinks=False)
    for entry in os.scandir(os.path.join(source, IMAGES)):
        if entry.is_file(follow_symlinks=False):
            shutil.copyfile(entry.path, os.path.join(directory, IMAGES, entry.name), follow_symlinks=False)
