"""An image's record from its documents, without names. Pure; used for pulls and for records that were lost."""

from collections.abc import Sequence

from orlop.engine.images.manifest import Config, Manifest
from orlop.model.image import ImageRecord


def described(
    manifest_digest: str, manifest: Manifest, config: Config | None, chain: Sequence[str], size: int
) -> ImageRecord:
    """The record. `config` is None for an artifact; size: bytes of all layers."""
    if config is None:
        return ImageRecord(
            id=manifest_digest,
            manifest_digest=manifest_digest,
            layers=tuple(chain),
            size=size,
            annotations=manifest.annotations or {},
            artifact_type=manifest.artifact,
        )
    return ImageRecord(
        id=manifest.config.digest,
        manifest_digest=manifest_digest,
        layers=tuple(chain),
        size=size,
        config=config.for_containers(),
        annotations=manifest.annotations or {},
        architecture=config.architecture,
        os=config.os,
        created=config.created or "",
    )
