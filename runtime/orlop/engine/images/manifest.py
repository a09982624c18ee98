"""Manifests, indexes and image configurations as types, read from untrusted JSON. Pure; no digest is checked here."""

from typing import Annotated, TypeVar

import msgspec

from orlop.engine.images import media_types
from orlop.engine.storage.digests import is_digest
from orlop.model.errors import InvalidArgument, Unsupported
from orlop.model.image import ImageConfig

MAX_MANIFEST = 4 << 20
MAX_CONFIG = 8 << 20
MAX_LAYERS = 500
"""overlayfs' own limit (OVL_MAX_STACK)."""

T = TypeVar("T")


class Platform(msgspec.Struct, frozen=True):
    """Where an image runs."""

    architecture: str = ""
    os: str = ""
    variant: str | None = None

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os or "?", self.architecture or "?", self.variant)))


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """A pointer to a blob: what it is, its digest and its size."""

    digest: str
    size: Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]
    media_type: str = ""
    platform: Platform | None = None
    annotations: dict[str, str] | None = None


class Index(msgspec.Struct, frozen=True, rename="camel"):
    """An OCI index or a Docker manifest list: one image for several platforms."""

    manifests: tuple[Descriptor, ...]
    media_type: str = ""


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """An OCI or Docker schema 2 manifest."""

    config: Descriptor
    layers: tuple[Descriptor, ...] | None = None
    media_type: str = ""
    artifact_type: str = ""
    annotations: dict[str, str] | None = None

    @property
    def artifact(self) -> str:
        """What kind of artifact this is (image-spec manifest.md, "Guidelines for Artifact Usage"); empty: an image."""
        kind = self.config.media_type
        if not kind or kind in media_types.CONFIGS:
            return ""
        return self.artifact_type or kind


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """Enough of a document to tell what it is."""

    schema_version: int = 0
    media_type: str = ""
    manifests: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    layers: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    config: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class RootFS(msgspec.Struct, frozen=True):
    """The layers' uncompressed digests."""

    diff_ids: tuple[str, ...] | None = None


class _Run(msgspec.Struct, frozen=True, rename="pascal"):
    """The "config" of a configuration: what a container gets. Go writes null for what is empty."""

    user: str | None = None
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    working_dir: str | None = None
    volumes: dict[str, object] | None = None
    stop_signal: str | None = None
    labels: dict[str, str] | None = None


class Config(msgspec.Struct, frozen=True):
    """An image configuration (image-spec config.md)."""

    rootfs: RootFS = RootFS()
    architecture: str = ""
    os: str = ""
    variant: str | None = None
    created: str | None = None
    config: _Run | None = None

    @property
    def platform(self) -> Platform:
        """Where it says it runs."""
        return Platform(self.architecture, self.os, self.variant)

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """Digests of the uncompressed layers, base first."""
        return self.rootfs.diff_ids or ()

    def for_containers(self) -> ImageConfig:
        """The part that a container needs."""
        run = self.config or _Run()
        return ImageConfig(
            user=run.user or "",
            env=run.env or (),
            entrypoint=run.entrypoint or (),
            cmd=run.cmd or (),
            working_dir=run.working_dir or "",
            volumes=tuple(sorted(run.volumes or ())),
            stop_signal=run.stop_signal or "",
            labels=run.labels or {},
        )


def _decode(data: bytes, kind: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"{what} cannot be read: {error}") from error


def parse_manifest(data: bytes, content_type: str, what: str) -> Manifest | Index:
    """A manifest or index. Its own media type decides, then the one it was sent with, then its fields."""
    shape = _decode(data, _Shape, what)
    kind = shape.media_type or content_type.partition(";")[0].strip()
    if shape.schema_version == 1 or kind in media_types.DOCKER_SCHEMA_1:
        raise Unsupported(f"{what} is a Docker schema 1 manifest, which is not supported; push the image again with a "
                          "current tool")  # fmt: skip
    has_layers = shape.layers is not msgspec.UNSET or shape.config is not msgspec.UNSET
    if shape.manifests is not msgspec.UNSET and has_layers:
        raise InvalidArgument(f"{what} is ambiguous: it has both manifests and layers")
    if kind in media_types.INDEXES or (kind not in media_types.MANIFESTS and shape.manifests is not msgspec.UNSET):
        return _checked_index(_decode(data, Index, what), what)
    if kind in media_types.MANIFESTS or has_layers:
        return _checked_manifest(_decode(data, Manifest, what), what)
    raise InvalidArgument(f"{what} is neither a manifest nor an index (media type {kind or 'not given'})")


def _checked_index(index: Index, what: str) -> Index:
    for descriptor in index.manifests:
        _check_digest(descriptor, what)
    return index


def _checked_manifest(manifest: Manifest, what: str) -> Manifest:
    config, layers = manifest.config, manifest.layers or ()
    if config.size > MAX_CONFIG:
        raise InvalidArgument(f"{what} has a configuration of {config.size} bytes; at most {MAX_CONFIG} are read")
    if len(layers) > MAX_LAYERS:
        raise Unsupported(f"{what} has {len(layers)} layers; overlayfs takes at most {MAX_LAYERS}")
    for descriptor in (config, *layers):
        _check_digest(descriptor, what)
    for layer in () if manifest.artifact else layers:
        if media_types.is_encrypted(layer.media_type):
            raise Unsupported(f"{what} has the encrypted layer {layer.digest}; there are no keys for it")
        if layer.media_type and not media_types.is_layer(layer.media_type):
            raise Unsupported(f"{what} has layer {layer.digest} of the unknown type {layer.media_type}")
    return manifest


def _check_digest(descriptor: Descriptor, what: str) -> None:
    if not is_digest(descriptor.digest):
        raise InvalidArgument(f"{what} names a blob by {descriptor.digest[:100]!r}, which is not a digest")


def parse_config(data: bytes, manifest: Manifest, what: str) -> Config:
    """An image configuration; it must describe as many layers as the manifest."""
    config = _decode(data, Config, what)
    layers = len(manifest.layers or ())
    if len(config.diff_ids) != layers:
        raise InvalidArgument(
            f"{what} describes {len(config.diff_ids)} layers (rootfs.diff_ids), its manifest {layers}"
        )
    for diff_id in config.diff_ids:
        if not is_digest(diff_id):
            raise InvalidArgument(f"{what} has {diff_id[:100]!r} in rootfs.diff_ids, which is not a digest")
    return config
