"""Space figures of images and writable layers, from values that storage keeps. No disk walk is here."""

from orlop.model.stats import FilesystemIdentifier, FilesystemUsage


def filesystem_usage(mountpoint: str, used_bytes: int, inodes_used: int, now_ns: int) -> FilesystemUsage:
    """A FilesystemUsage of the CRI."""
    return FilesystemUsage(
        timestamp=now_ns,
        fs_id=FilesystemIdentifier(mountpoint=mountpoint),
        used_bytes=used_bytes,
        inodes_used=inodes_used,
    )
