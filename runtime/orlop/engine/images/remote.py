"""The way to registries, made at the first pull: the HTTP client costs 0.2 s and 9 MiB that a restarted daemon saves.

What is asked of a registry is in registry, how in transport.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orlop.aio.threads import offload
from orlop.engine.images.credentials import Credentials
from orlop.engine.images.hosts import Hosts
from orlop.engine.images.reference import Reference

if TYPE_CHECKING:
    from orlop.engine.images.registry import Repository
    from orlop.engine.images.transport import Transport


class Remote:
    """All registries."""

    def __init__(self, hosts: Hosts, *, progress_timeout: float = 60.0) -> None:
        self.hosts = hosts
        self.backoff: Sequence[float] = (0.25, 0.5, 1.0, 2.0)
        """Seconds before the second, third … try of a request; holds from the first pull on."""
        self._progress_timeout = progress_timeout
        self._transport: Transport | None = None

    async def repository(self, name: Reference, credentials: Credentials) -> "Repository":
        """A repository, spoken to with these credentials."""
        # In a thread: running pods' requests do not wait for an import.
        repository = await offload(_repository_class)
        return repository(self._connected(), name, credentials, progress_timeout=self._progress_timeout)

    def _connected(self) -> "Transport":
        from orlop.engine.images.transport import Transport

        if self._transport is None:
            self._transport = Transport(self.hosts, backoff=self.backoff)
        return self._transport

    async def aclose(self) -> None:
        """Close connections, if there ever was one."""
        if self._transport is not None:
            await self._transport.aclose()


def _repository_class() -> "type[Repository]":
    from orlop.engine.images.registry import Repository

    return Repository
