"""What is configured for single registries, and where a registry's API is. Data only."""

import ipaddress
from collections.abc import Mapping

import msgspec

from orlop.engine.images.reference import DEFAULT_DOMAIN

_HUB_API = "registry-1.docker.io"


class RegistryHost(msgspec.Struct, frozen=True, kw_only=True):
    """What differs for one registry host."""

    plain_http: bool = False
    """Talk HTTP. Never guessed: only where it is set."""
    ca_file: str = ""
    """Certificates to trust in place of the system's."""
    username: str = ""
    password: str = ""
    insecure: bool = False
    """Do not verify its certificate."""


class Hosts(msgspec.Struct, frozen=True):
    """The configured registries, by host[:port]."""

    by_name: Mapping[str, RegistryHost]
    plain_http_loopback: bool = False
    """Hosts on loopback speak plain HTTP unless they are named: their bytes never leave the machine."""

    def of(self, host: str) -> RegistryHost:
        """The settings of a host; the defaults for one that is not named."""
        named = self.by_name.get(host)
        if named is not None:
            return named
        return RegistryHost(plain_http=self.plain_http_loopback and is_loopback(host))

    def is_private(self, name: str, host: str, *, asked_by: str) -> bool:
        """Whether `host` ("name:port") is on this machine's loopback, and somebody elsewhere sends us there.

        Whoever has a registry could have the node ask its own services, and read their errors in a pod's events.
        """
        return is_loopback(name) and not is_loopback(asked_by) and host not in self.by_name

    def api(self, domain: str, settings: RegistryHost | None = None) -> str:
        """Base URL of a registry's API. `settings` are those of `of`, unless they are others for once."""
        scheme = "http" if (settings or self.of(domain)).plain_http else "https"
        return f"{scheme}://{api_host(domain)}"


def api_host(domain: str) -> str:
    """host[:port] of a registry's API, which for Docker Hub is not where its images' names say."""
    return _HUB_API if domain == DEFAULT_DOMAIN else domain


def is_loopback(host: str) -> bool:
    """Whether host[:port] is this machine: localhost, 127.0.0.0/8 or ::1. Names are not looked up."""
    if host.startswith("["):
        name = host[1:].partition("]")[0]
    else:
        name = host if host.count(":") > 1 else host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
