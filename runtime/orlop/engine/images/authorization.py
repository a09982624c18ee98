"""Getting into a registry: Basic, and Bearer tokens by the distribution project's token flow (GET, or OAuth 2 POST).

One `Authorizer` belongs to one pull of one repository; tokens are not shared between pulls, so neither are rights.
"""

import asyncio
from urllib.parse import urlencode, urlsplit

import msgspec
from yarl import URL

from orlop.engine.images.challenge import Challenge
from orlop.engine.images.credentials import Credentials
from orlop.engine.images.diagnostics import MAX_BODY, registry_says
from orlop.engine.images.hosts import RegistryHost, api_host
from orlop.engine.images.transport import Request, Transport, read_up_to
from orlop.model.errors import InvalidArgument, Unauthenticated, Unavailable

CLIENT_ID = "orlop"
MAX_TOKEN = 1 << 20


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""


class Authorizer:
    """Answers a registry's challenges with the credentials of one pull."""

    def __init__(
        self, transport: Transport, host: str, path: str, credentials: Credentials, settings: RegistryHost
    ) -> None:
        self._transport = transport
        self._host = host
        self._settings = settings
        self._scope = f"repository:{path}:pull"
        self._credentials = credentials
        self._lock = asyncio.Lock()
        self.header = f"Bearer {credentials.registry_token}" if credentials.registry_token else ""
        """Value of the Authorization header; empty before the registry has asked for one."""

    async def answer(self, challenges: list[Challenge], used: str, what: str) -> None:
        """Find a header that does better than `used`. Raises Unauthenticated when there is none."""
        async with self._lock:
            if self.header != used:
                return  # another request of this pull has found one meanwhile
            by_scheme = {challenge.scheme: challenge for challenge in challenges}
            if "bearer" in by_scheme and not self._credentials.registry_token:
                self.header = "Bearer " + await self._token(by_scheme["bearer"], what)
            elif "basic" in by_scheme and self._credentials.username and used != self._credentials.basic():
                self.header = self._credentials.basic()
            else:
                self._refuse(what, ", ".join(by_scheme) or "nothing that can be answered")

    def _refuse(self, what: str, offered: str) -> None:
        if self._credentials:
            raise Unauthenticated(f"registry {self._host} refuses {self._credentials.who} ({what})")
        raise Unauthenticated(f"registry {self._host} wants credentials ({what}; it asks for: {offered}), and none "
                              "were given: check the pod's imagePullSecrets")  # fmt: skip

    async def _token(self, challenge: Challenge, what: str) -> str:
        realm = challenge.parameters.get("realm", "")
        self._check_realm(realm)
        query = {"scope": challenge.parameters.get("scope") or self._scope}
        if service := challenge.parameters.get("service"):
            query["service"] = service
        what = f"a token for {what}"
        if self._credentials.identity_token:
            grant = {"grant_type": "refresh_token", "refresh_token": self._credentials.identity_token}
            return await self._fetch(self._post(realm, query | grant, what))
        headers = {}
        if self._credentials.username:
            headers["Authorization"] = self._credentials.basic()
            query["account"] = self._credentials.username
        url = realm + ("&" if "?" in realm else "?") + urlencode(query)
        request = Request(url=url, what=what, headers=headers, settings=self._settings_of(realm))
        return await self._fetch(request, realm, query)

    def _post(self, realm: str, form: dict[str, str], what: str) -> Request:
        form = {"client_id": CLIENT_ID, **form}
        return Request(url=realm, what=what, headers={}, form=form, settings=self._settings_of(realm))

    def _settings_of(self, realm: str) -> RegistryHost | None:
        """The registry's own where it issues its tokens itself."""
        return self._settings if urlsplit(realm).netloc == api_host(self._host) else None

    async def _fetch(self, request: Request, realm: str = "", query: dict[str, str] | None = None) -> str:
        """Ask a token server. One that knows only OAuth 2 (404 or 405 to a GET) is asked by POST."""
        response = await self._transport.send(request)
        body = await read_up_to(response, MAX_TOKEN)
        if response.status in (404, 405) and query is not None and self._credentials.username:
            grant = {"grant_type": "password", "username": self._credentials.username}
            form = {**query, **grant, "password": self._credentials.password}
            return await self._fetch(self._post(realm, form, request.what))
        host = urlsplit(request.url).netloc
        if response.status in (400, 401, 403):
            raise Unauthenticated(f"token server {host} refuses {self._credentials.who} ({request.what}): "
                                  f"{registry_says(body[:MAX_BODY])}")  # fmt: skip
        if response.status != 200:
            raise Unavailable(f"token server {host} answers {response.status} ({request.what}): {registry_says(body)}")
        return self._read(body, host)

    @staticmethod
    def _read(body: bytes, host: str) -> str:
        try:
            answer = msgspec.json.decode(body, type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable(f"token server {host} sends something that is no token: {error}") from error
        token = answer.token or answer.access_token
        if not token or not token.isprintable():
            raise Unavailable(f"token server {host} sends no token")
        return token

    def _check_realm(self, realm: str) -> None:
        name = _web_host(realm)
        if not name:
            raise InvalidArgument(f"registry {self._host} asks for a token from {realm[:200]!r}: no web address")
        hosts, parts = self._transport.hosts, urlsplit(realm)
        if hosts.is_private(name, parts.netloc, asked_by=self._host):
            raise InvalidArgument(f"registry {self._host} asks for a token from {parts.netloc}, a service of this node;"
                                  f' allow it by [registries."{parts.netloc}"]')  # fmt: skip
        if parts.scheme == "http" and not (hosts.of(parts.netloc).plain_http or self._settings.plain_http):
            raise InvalidArgument(f"registry {self._host} asks for a token from {parts.netloc} by plain HTTP; that is "
                                  f'not done unless [registries."{parts.netloc}"] plain_http = true')  # fmt: skip


def _web_host(address: str) -> str:
    """The host of a web address; empty where it is none."""
    try:
        parts = urlsplit(address)
        URL(address)  # which is what the client takes
    except ValueError:
        return ""
    return parts.hostname or "" if parts.scheme in ("http", "https") else ""
