"""`Images`: the image store as the services see it: pull, find, list, remove, import.

The work itself is in pull (registries), archive (files), catalog (names) and orlop.engine.storage (layers).
"""

from collections.abc import Collection, Sequence

from orlop.model.image import AuthConfig, ImageRecord


class Images:
    """All images of this node. Reads are answered from memory."""

    async def pull(self, ref: str, auth: AuthConfig | None = None) -> ImageRecord:
        """Bring an image here. Asking twice at once is one download."""
        raise NotImplementedError

    async def list(self) -> tuple[ImageRecord, ...]:
        """Every image, by id."""
        raise NotImplementedError

    async def find(self, ref_or_id: str) -> ImageRecord | None:
        """By id ("sha256:<hex>", or at least 12 digits of it), name with a tag, or name with a digest."""
        raise NotImplementedError

    async def remove(self, ref_or_id: str, in_use: Collection[str] = ()) -> Sequence[str]:
        """By id: all its names go, and it. By name: the name goes, and with the last one the image.

        Returns ids of images that are gone now. What is not here is no error. Raises FailedPrecondition when the image
        would go and its id is in in_use.
        """
        raise NotImplementedError

    async def import_archive(self, path: str, tags: Sequence[str] = ()) -> Sequence[ImageRecord]:
        """Bring images here from an OCI layout (directory, or tar plain or compressed) or a docker-save archive."""
        raise NotImplementedError

    async def usage(self) -> tuple[int, int]:
        """Bytes and inodes of all layers, from the records."""
        raise NotImplementedError

    async def config_json(self, image_id: str) -> bytes:
        """The image configuration as the registry has it (verbose ImageStatus)."""
        raise NotImplementedError

    async def collect(self) -> None:
        """At start: remove half-made layers and what nothing refers to; rebuild records that were lost."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """End running pulls and close connections."""
        raise NotImplementedError
