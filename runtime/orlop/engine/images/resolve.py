"""From a reference to one image for this machine: index → manifest → configuration, each verified. No layers yet."""

from dataclasses import dataclass

from orlop.engine.images import artifacts, platform
from orlop.engine.images.artifacts import ArtifactFile
from orlop.engine.images.manifest import Config, Descriptor, Index, Manifest, parse_config, parse_manifest
from orlop.engine.images.source import Source
from orlop.engine.storage import digests
from orlop.engine.storage.unpacking import Blob
from orlop.model.errors import DataLoss, InvalidArgument

MAX_DEPTH = 3
"""Indexes within indexes."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a reference means here: an image or an artifact, known completely but for its blobs."""

    top_digest: str
    """Of what the reference means, an index maybe: this is what "repository@digest" names."""
    manifest_digest: str
    manifest_json: bytes
    manifest: Manifest


@dataclass(frozen=True, kw_only=True)
class ResolvedArtifact(Found):
    """An artifact: its blobs are files."""

    files: tuple[ArtifactFile, ...]

    @property
    def id(self) -> str:
        """The manifest's digest: the configuration of most artifacts is empty, and one and the same."""
        return self.manifest_digest


@dataclass(frozen=True, kw_only=True)
class Resolved(Found):
    """One image."""

    config_json: bytes
    config: Config

    @property
    def id(self) -> str:
        """The configuration's digest."""
        return self.manifest.config.digest

    @property
    def layers(self) -> list[Blob]:
        """The layers, base first."""
        layers = self.manifest.layers or ()
        return [
            Blob(digest=layer.digest, size=layer.size, diff_id=diff_id)
            for layer, diff_id in zip(layers, self.config.diff_ids, strict=True)
        ]


async def resolve(source: Source, target: str) -> Resolved | ResolvedArtifact:
    """What a tag or digest means on this machine."""
    top = ""
    for _ in range(MAX_DEPTH + 1):
        what = f"manifest of {source.name}{'@' if ':' in target else ':'}{target}"
        document = await source.manifest(target)
        digest = _verified(document.data, target, what)
        top = top or digest
        found = parse_manifest(document.data, document.media_type, f"the {what}")
        if isinstance(found, Manifest) and found.artifact:
            return ResolvedArtifact(top_digest=top, manifest_digest=digest, manifest_json=document.data, manifest=found,
                                    files=artifacts.files_of(found, f"the {what}"))  # fmt: skip
        if isinstance(found, Manifest):
            config_json, config = await _config(source, found)
            return Resolved(top_digest=top, manifest_digest=digest, manifest_json=document.data, manifest=found,
                            config_json=config_json, config=config)  # fmt: skip
        target = _next(found, f"{source.name}{'@' if ':' in target else ':'}{target}")
    raise InvalidArgument(f"the image index of {source.name} is nested more than {MAX_DEPTH} deep")


def _next(index: Index, what: str) -> str:
    return platform.choose(index.manifests, what).digest


async def _config(source: Source, manifest: Manifest) -> tuple[bytes, Config]:
    what = f"configuration {manifest.config.digest} of {source.name}"
    data = await source.blob(manifest.config)
    verify(data, manifest.config, what)
    config = parse_config(data, manifest, f"the {what}")
    platform.check(config, f"image {source.name}")
    return data, config


def _verified(data: bytes, target: str, what: str) -> str:
    """The digest of a manifest; when it was asked for by one, it must be that."""
    if not digests.is_digest(target):
        return digests.of(data)
    digest = digests.of(data, like=target)
    if digest != target:
        raise DataLoss(f"the {what} has the wrong digest: it is {digest}")
    return digest


def verify(data: bytes, descriptor: Descriptor, what: str) -> None:
    """Hold a small blob against its descriptor."""
    if len(data) != descriptor.size:
        raise DataLoss(f"the {what} has {len(data)} bytes, its manifest says {descriptor.size}")
    if digests.of(data, like=descriptor.digest) != descriptor.digest:
        raise DataLoss(f"the {what} has the wrong digest: it is {digests.of(data, like=descriptor.digest)}")
