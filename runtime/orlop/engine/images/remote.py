"""The way to registries, made at the first pull: the HTTP client costs 0.2 s and 9 MiB that a restarted daemon saves.

What is asked of a registry is in registry, how in transport.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from orlop.aio.threads import offload
from orlop.engine.images.credentials import Credentials
from orlop.engine.images.hosts import Hosts, RegistryHost, api_host

if TYPE_CHECKING:
    from orlop.engine.images.registries.files import RegistriesConf
    from orlop.engine.images.registries.rules import Endpoint
    from orlop.engine.images.registry import Repository
    from orlop.engine.images.transport import Transport


class Remote:
    """All registries."""

    def __init__(
        self,
        hosts: Hosts,
        *,
        progress_timeout: float = 60.0,
        registries_conf: str = "",
        certificates: Sequence[str] = (),
    ) -> None:
        self.hosts = hosts
        self._registries_conf = registries_conf
        self._certificates = certificates
        self.backoff: Sequence[float] = (0.25, 0.5, 1.0, 2.0)
        """Seconds before the second, third … try of a request; holds from the first pull on."""
        self._progress_timeout = progress_timeout
        self._transport: Transport | None = None

    @cached_property
    def registries(self) -> "RegistriesConf":
        """What registries.conf says."""
        from orlop.engine.images.registries.files import RegistriesConf

        return RegistriesConf(self._registries_conf)

    async def repository(self, endpoint: "Endpoint", credentials: Credentials) -> "Repository":
        """A repository, spoken to with these credentials."""
        # In a thread: running pods' requests do not wait for an import.
        repository = await offload(_repository_class)
        return repository(
            self.transport(),
            endpoint.reference,
            credentials,
            progress_timeout=self._progress_timeout,
            settings=await self._settings(endpoint),
        )

    async def _settings(self, endpoint: "Endpoint") -> RegistryHost:
        """An entry of the host's own decides; otherwise an insecure one may do without TLS, as its peers do it."""
        domain = endpoint.reference.domain
        settings = self.hosts.of(domain)
        if not endpoint.insecure or settings.plain_http or domain in self.hosts.by_name:
            return settings
        tls = await self.transport().speaks_tls(api_host(domain))
        return msgspec.structs.replace(settings, insecure=True, plain_http=not tls)

    def transport(self) -> "Transport":
        """The HTTP client of all pulls."""
        from orlop.engine.images.transport import Transport

        if self._transport is None:
            self._transport = Transport(self.hosts, backoff=self.backoff, certificates=self._certificates)
        return self._transport

    async def aclose(self) -> None:
        """Close connections, if there ever was one."""
        if self._transport is not None:
            await self._transport.aclose()


def _repository_class() -> "type[Repository]":
    from orlop.engine.images.registry import Repository

    return Repository
