"""TLS of the streaming server: its certificate, and new ones when the files change.

Every connection follows a request for a URL, and the files are looked at then: nothing has to run for it. Files that
cannot be used leave the last ones in force.
"""

import logging
import os
import ssl

import msgspec

from orlop.model.errors import Unavailable

log = logging.getLogger(__name__)

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_Identity = tuple[tuple[int, int, int, int] | None, ...]


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says; all files are PEM."""

    cert: str
    """The server's certificate, then those between it and its authority."""
    key: str
    client_ca: str = ""
    """Authorities of which clients must bring a certificate; empty: clients need none."""
    min_version: str = "1.2"
    """ "1.2" or "1.3"."""


class TlsContexts:
    """The context for connections from now on."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._identity: _Identity = ()
        self._context: ssl.SSLContext | None = None
        self._error: Unavailable | None = None

    def current(self) -> ssl.SSLContext:
        """Of the files as they are, or as they were last usable. Raises Unavailable where they never were."""
        identity = tuple(map(_identity, (self._files.cert, self._files.key, self._files.client_ca)))
        if identity != self._identity:
            self._identity = identity
            try:
                self._context, self._error = _load(self._files), None
                log.info("streams are served with the certificate of %s", self._files.cert)
            except Unavailable as error:
                log.error("%s%s", error, "; the last certificate stays in use" if self._context else "")
                self._error = error
        if self._context is None:
            assert self._error is not None
            raise self._error
        return self._context


def _load(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[files.min_version]
    context.set_alpn_protocols(["http/1.1"])
    try:
        # A key that is encrypted must be an error and not a question on some terminal.
        context.load_cert_chain(files.cert, files.key, password=lambda: "")
    except OSError as error:
        raise _unusable(f"streaming.tls.cert_file {files.cert} and key_file {files.key}", error) from error
    if files.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(files.client_ca)
        except OSError as error:
            raise _unusable(f"streaming.tls.client_ca_file {files.client_ca}", error) from error
    return context


def _unusable(what: str, error: OSError) -> Unavailable:
    return Unavailable(f"{what} cannot be used: {error.strerror or error}")


def _identity(path: str) -> tuple[int, int, int, int] | None:
    """What changes when a file is written anew, or a link to it is; None: it is not there."""
    try:
        info = os.stat(path)
    except OSError:
        return None
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns
