"""HTTP for registries: one session, TLS settings per host, redirects, bounded retries. What is asked is in registry.

Credentials stay with the host they were meant for: a redirect to another one goes without them.
"""

import asyncio
import random
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp
from yarl import URL

from orlop.aio.threads import offload
from orlop.engine.images import certificates
from orlop.engine.images.certificates import HostFiles
from orlop.engine.images.diagnostics import MAX_BODY, Temporary, network_error, registry_says
from orlop.engine.images.hosts import Hosts, RegistryHost
from orlop.model.errors import InvalidArgument, Unavailable

MAX_REDIRECTS = 6
MAX_WAIT = 30.0
"""Longest Retry-After that is obeyed."""
ANSWER_TIMEOUT = 60.0
"""Seconds until the head of an answer must be here."""
BUFFER = 1 << 20
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. `what` says in messages what is being asked for."""

    url: str
    what: str
    headers: Mapping[str, str]
    form: Mapping[str, str] | None = None
    """Sent as a POST."""
    settings: RegistryHost | None = None
    """Of the URL's host, for this request; None: what is configured for it."""


class Transport:
    """The HTTP client of all pulls. Make it on the event loop's thread; close it."""

    def __init__(self, hosts: Hosts, *, backoff: Sequence[float], certificates: Sequence[str] = ()) -> None:
        self.hosts = hosts
        self._certificates = certificates
        self.backoff = backoff
        """Seconds before the second, third … try."""
        self._session: aiohttp.ClientSession | None = None
        self._tls: dict[tuple[str, bool, HostFiles], ssl.SSLContext] = {}

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: Request) -> aiohttp.ClientResponse:
        """The answer, its body unread, whatever its status but 429 and 5xx: those are tried again, then Unavailable."""
        pauses = iter(self.backoff)
        while True:
            try:
                return await self._once(request)
            except Temporary as error:
                pause = next(pauses, None)
                if pause is None:
                    raise Unavailable(f"{error} ({request.what}; tried {len(self.backoff) + 1} times)") from error
                await asyncio.sleep(max(pause * random.uniform(0.75, 1.25), min(error.after, MAX_WAIT)))

    async def _once(self, request: Request) -> aiohttp.ClientResponse:
        response = await self._follow(request)
        if response.status != 429 and response.status < 500:
            return response
        body = await read_up_to(response, MAX_BODY)
        after = response.headers.get("Retry-After", "")
        raise Temporary(
            f"registry {response.url.authority} answers {response.status} {response.reason}: {registry_says(body)}",
            float(after) if after.isascii() and after.isdigit() else 0.0,
        )

    async def _follow(self, request: Request) -> aiohttp.ClientResponse:
        url, headers = URL(request.url), dict(request.headers)
        own = url.authority
        for _ in range(MAX_REDIRECTS):
            settings = request.settings if request.settings is not None and url.authority == own else None
            response = await self._ask(url, headers, request.form, settings or self.hosts.of(url.authority))
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or not location:
                return response
            response.release()
            target = _target(url, location)
            self._check_redirect(url, target)
            if target.origin() != url.origin():
                headers.pop("Authorization", None)
            url = target
        raise Unavailable(f"registry {URL(request.url).authority} redirects without end ({request.what})")

    def _check_redirect(self, url: URL, target: URL) -> None:
        """Raises InvalidArgument for an address to which nobody may be sent."""
        if target.scheme not in ("http", "https") or not target.host:
            raise InvalidArgument(f"registry {url.authority} redirects to something that is no web address")
        if self.hosts.is_private(target.host, target.authority, asked_by=url.host or ""):
            raise InvalidArgument(f"registry {url.authority} redirects to {target.authority}, a service of this node; "
                                  f'allow it by [registries."{target.authority}"]')  # fmt: skip
        if target.scheme == "http" and url.scheme == "https" and not self.hosts.of(target.authority).plain_http:
            raise InvalidArgument(f"registry {url.authority} redirects to {target.authority} by plain HTTP; allow it "
                                  f'by [registries."{target.authority}"] plain_http = true')  # fmt: skip

    async def speaks_tls(self, host: str) -> bool:
        """Whether an insecure registry answers HTTPS, whatever its certificate; otherwise it is plain HTTP's turn."""
        settings = RegistryHost(insecure=True)
        try:
            response = await self._ask(URL(f"https://{host}/v2/"), {}, None, settings)
        except (Temporary, Unavailable):
            return False
        response.release()
        return True

    async def _ask(
        self, url: URL, headers: Mapping[str, str], form: Mapping[str, str] | None, settings: RegistryHost
    ) -> aiohttp.ClientResponse:
        plain = url.scheme == "http"
        try:
            tls = True if plain else await self._context(url.authority, settings)
            async with asyncio.timeout(ANSWER_TIMEOUT):
                return await self._open_session().request(
                    "GET" if form is None else "POST",
                    url,
                    headers=headers,
                    data=form,
                    ssl=tls,
                    allow_redirects=False,
                    read_bufsize=BUFFER,
                )
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise network_error(error, _with_port(url), plain_http=plain) from error

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # How many blobs come at once is decided above, over all hosts.
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
                # A digest is of the bytes as they are stored.
                auto_decompress=False,
                headers={"User-Agent": "orlop", "Accept-Encoding": "identity"},
                # HTTPS_PROXY and NO_PROXY.
                trust_env=True,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def _context(self, authority: str, settings: RegistryHost) -> ssl.SSLContext:
        """TLS settings of a host. Reading certificates takes a while: it is done once for a state of the files."""
        files = await offload(certificates.of_host, self._certificates, authority)
        key = (settings.ca_file, settings.insecure, files)
        if key not in self._tls:
            for known in [each for each in self._tls if files.directory and each[2].directory == files.directory]:
                if known[2] != files:
                    del self._tls[known]
            self._tls[key] = await offload(certificates.context, authority, settings, files)
        return self._tls[key]


def _target(url: URL, location: str) -> URL:
    try:
        return url.join(URL(location))
    except ValueError as error:
        raise InvalidArgument(f"registry {url.authority} redirects to {location[:200]!r}: {error}") from error


def _with_port(url: URL) -> str:
    return f"{url.host}:{url.port}"


async def read_up_to(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """At most `limit` bytes of a body; the connection is given back, or closed when there is more."""
    data = bytearray()
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            async for chunk in response.content.iter_any():
                data += chunk
                if len(data) > limit:
                    break
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise network_error(error, _with_port(response.url), plain_http=response.url.scheme == "http") from error
    finally:
        response.close() if len(data) > limit else response.release()
    return bytes(data[:limit])
