"""Space figures of images and writable layers, from values that storage keeps. No disk walk is here."""

from orlop.model.stats import FilesystemUsage


def filesystem_usage(mountpoint: str, used_bytes: int, inodes_used: int, now_ns: int) -> FilesystemUsage:
    """A FilesystemUsage of the CRI."""
    raise NotImplementedError
