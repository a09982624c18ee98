"""Image records built again from manifests and configurations on disk, after the database was lost.

Names are lost with it: the images come back by id, and the next pull of a name finds all layers here.
"""

import logging

from orlop.aio.threads import offload
from orlop.engine.images import artifacts
from orlop.engine.images.manifest import MAX_MANIFEST, Config, Manifest, parse_config, parse_manifest
from orlop.engine.images.records import described
from orlop.engine.storage.blobs import BlobStore
from orlop.engine.storage.digests import chain_ids
from orlop.engine.storage.layers import LayerStore
from orlop.engine.storage.tables import ImageTable
from orlop.model.errors import OrlopError
from orlop.model.image import ImageRecord

log = logging.getLogger(__name__)


async def rebuild(blobs: BlobStore, layers: LayerStore, table: ImageTable) -> None:
    """Record every image whose manifest, configuration and layers are all here."""
    found = [image for image in await offload(_find, blobs, layers) if table.get(image.id) is None]
    if found:
        log.warning("recorded %d images again, without their names, from what is on disk", len(found))
        await table.change(lambda _: (found, ()))


def _find(blobs: BlobStore, layers: LayerStore) -> list[ImageRecord]:
    found = []
    for digest in blobs.digests():
        try:
            image = _image(digest, blobs, layers)
        except OrlopError as error:
            log.debug("blob %s is not the manifest of a complete image: %s", digest, error)
            continue
        if image is not None:
            found.append(image)
    return found


def _image(digest: str, blobs: BlobStore, layers: LayerStore) -> ImageRecord | None:
    data = blobs.read_now(digest)
    if len(data) > MAX_MANIFEST:
        return None
    manifest = parse_manifest(data, "", f"blob {digest}")
    if not isinstance(manifest, Manifest):
        return None
    config: Config | None = None
    chain: tuple[str, ...] = (artifacts.chain_id(digest),)
    if not manifest.artifact:
        config = parse_config(blobs.read_now(manifest.config.digest), manifest, f"blob {manifest.config.digest}")
        chain = chain_ids(config.diff_ids)
    records = [layers.get(each) for each in chain]
    present = [record for record in records if record is not None]
    if len(present) != len(chain):
        return None
    return described(digest, manifest, config, chain, sum(record.size for record in present))
