"""Layers: what the store records of each unpacked one."""

from orlop.model.base import Value


class LayerRecord(Value):
    """One unpacked layer. Its id is the chain id (image-spec config.md, "Layer ChainID"): it includes what is below."""

    id: str
    diff_id: str
    """Digest of the uncompressed tar."""
    parent: str = ""
    """Chain id of the layer below; empty for a base layer."""
    size: int = 0
    """Bytes on disk, counted while unpacking."""
    inodes: int = 0
