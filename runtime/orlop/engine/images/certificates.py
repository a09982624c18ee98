"""certs.d: certificates for single registries (containers-certs.d(5)), and TLS settings made of them. Blocks.

    <directory>/<host[:port]>/ca.crt                     authorities, any number of *.crt, beside the system's
    <directory>/<host[:port]>/client.cert, client.key    what proves who asks, where the registry wants that

The first directory that exists for a host is taken.
"""

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from orlop.engine.images.files import Mark, mark
from orlop.engine.images.hosts import RegistryHost, api_host
from orlop.engine.images.reference import DEFAULT_DOMAIN
from orlop.model.errors import Unavailable


@dataclass(frozen=True, slots=True)
class HostFiles:
    """The directory of a host (empty: there is none), and its files in one state."""

    directory: str = ""
    mark: Mark = ()

    def paths(self, suffix: str) -> list[str]:
        """Files with this suffix, in name order."""
        return [path for path, *_ in self.mark if path.endswith(suffix)]


def of_host(directories: Sequence[str], authority: str) -> HostFiles:
    """The files for host[:port] of an API."""
    names = [authority, DEFAULT_DOMAIN] if authority == api_host(DEFAULT_DOMAIN) else [authority]
    for directory in directories:
        for name in names:
            found = os.path.join(directory, name)
            try:
                entries = sorted(os.listdir(found))
            except OSError:
                continue
            return HostFiles(found, mark([os.path.join(found, entry) for entry in entries]))
    return HostFiles()


def context(authority: str, settings: RegistryHost, files: HostFiles) -> ssl.SSLContext:
    """TLS settings. Raises Unavailable naming the file that cannot be used."""
    path = settings.ca_file
    try:
        found = ssl.create_default_context(cafile=path or None)
        for path in files.paths(".crt"):
            found.load_verify_locations(cafile=path)
        for path in files.paths(".cert"):
            key = path.removesuffix(".cert") + ".key"
            if key not in files.paths(".key"):
                raise Unavailable(f"registry {authority}: {path} has no key: {key} is missing")
            found.load_cert_chain(path, key)
    except OSError as error:  # ssl.SSLError is one
        which = "its ca_file" if path == settings.ca_file else "the certificate"
        raise Unavailable(f"registry {authority}: {which} {path} cannot be used: {error}") from error
    for key in files.paths(".key"):
        if key.removesuffix(".key") + ".cert" not in files.paths(".cert"):
            raise Unavailable(f"registry {authority}: {key} has no certificate beside it")
    if settings.insecure:
        found.check_hostname = False
        found.verify_mode = ssl.CERT_NONE
    return found
