"""What a registry or the network says when something fails, in words that tell what to do. Does no I/O."""

import ssl

import aiohttp
import msgspec

from orlop.model.errors import Unavailable

MAX_BODY = 64 << 10


class _Entry(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Errors(msgspec.Struct):
    errors: list[_Entry] | None = None


def registry_says(body: bytes) -> str:
    """The registry's own diagnostics (distribution-spec, "Error Codes"), or the beginning of what it sent instead."""
    try:
        entries = msgspec.json.decode(body, type=_Errors).errors or []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        entries = []
    told = [": ".join(filter(None, (entry.code, entry.message))) for entry in entries[:3]]
    text = "; ".join(filter(None, told)) or body[:200].decode(errors="replace").strip()
    return "".join(char if char.isprintable() else " " for char in text)[:500]


class Temporary(Exception):
    """Trying again may help. `after`: seconds that the server asks for."""

    def __init__(self, text: str, after: float = 0.0) -> None:
        super().__init__(text)
        self.after = after


def network_error(error: Exception, host: str, *, plain_http: bool) -> Exception:
    """What to raise for a request that got no answer: Temporary, or Unavailable where trying again cannot help."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return Unavailable(f"registry {host}: its TLS certificate is not trusted ({_short(error)}); set "
                           f'[registries."{host}"] ca_file to the certificate of who signed it')  # fmt: skip
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError) and not plain_http:
        return Unavailable(f"registry {host}: it does not speak TLS ({_short(error)}); if it is meant to be reached by "
                           f'plain HTTP, set [registries."{host}"] plain_http = true')  # fmt: skip
    if isinstance(error, TimeoutError):
        return Temporary(f"registry {host} does not answer in time")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Temporary(f"registry {host} cannot be reached: {error.os_error.strerror or error.os_error}")
    return Temporary(f"registry {host}: the connection broke ({_short(error) or type(error).__name__})")


def _short(error: Exception) -> str:
    return str(getattr(error, "certificate_error", None) or error)[:200]
