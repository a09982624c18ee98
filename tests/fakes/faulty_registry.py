"""A registry that misbehaves when told: `async with FaultyRegistry() as registry: registry.break_blob(digest, 1000)`.

It serves images from memory by the distribution API. Each verb orders one fault; everything else is right. What real
registries do is tested with the real one (tests.parts.registry).
"""

import asyncio
import base64
import json
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs

from aiohttp import web

from tests.fakes.images import Image

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Seen:
    """What has been asked for."""

    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and path."""
    ranges: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    most_blobs_at_once: int = 0

    def count(self, part: str) -> int:
        """How many requests had this in their path."""
        return sum(part in path for _, path in self.requests)


class FaultyRegistry:
    """The server. Set faults before or while it is used."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.seen = Seen()
        self._tls = tls
        self._manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self._blobs: dict[str, bytes] = {}
        self._breaks: dict[str, list[int]] = {}
        self._stalls: dict[str, int] = {}
        self._statuses: dict[str, list[tuple[int, dict[str, str], str]]] = {}
        self._elsewhere: str = ""
        self._ignores_range = False
        self._delay = 0.0
        self._blobs_now = 0
        self._bearer: dict[str, str] | None = None
        self._only_post = False
        self._token_life: Counter[str] = Counter()
        self._uses_per_token = 1_000_000
        self._serial = 0
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        # Handlers that stall on purpose must not keep the end of a test waiting.
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def host(self) -> str:
        """host:port, as an image reference has it."""
        return f"127.0.0.1:{self.port}"

    def add(self, image: Image, name: str) -> str:
        """Serve an image as "repository:tag"; returns the whole reference."""
        repository, _, tag = name.rpartition(":")
        for document in (image, *image.children):
            self._manifests[repository, document.digest] = (document.manifest, document.media_type)
        self._manifests[repository, tag] = (image.manifest, image.media_type)
        self._blobs |= image.blobs
        return f"{self.host}/{name}"

    # Faults, each a verb.

    def serve_manifest(self, name: str, data: bytes, media_type: str) -> str:
        """Answer with any bytes for a tag or digest of a repository."""
        repository, _, target = name.partition(":")
        self._manifests[repository, target] = (data, media_type)
        return f"{self.host}/{repository}{'@' if target.startswith('sha256:') else ':'}{target}"

    def serve_blob(self, digest: str, data: bytes) -> None:
        """Answer with other bytes than the digest says."""
        self._blobs[digest] = data

    def break_blob(self, digest: str, *after: int) -> None:
        """Cut the connection after so many bytes of an answer, once for each number given."""
        self._breaks[digest] = list(after)

    def stall_blob(self, digest: str, after: int) -> None:
        """Send so many bytes once, then nothing, and keep the connection."""
        self._stalls[digest] = after

    def answer(self, part: str, *statuses: int, headers: dict[str, str] | None = None, body: str = "") -> None:
        """Answer the next requests whose path contains `part` with these statuses, one each."""
        self._statuses[part] = [(status, headers or {}, body) for status in statuses]

    def redirect_blobs(self, other: str) -> None:
        """Send everybody who asks for a blob to another base URL."""
        self._elsewhere = other

    def ignore_range(self) -> None:
        """Answer partial requests with the whole."""
        self._ignores_range = True

    def slow_down(self, delay: float) -> None:
        """Wait before every answer."""
        self._delay = delay

    def want_token(
        self, *, users: dict[str, str] | None = None, only_post: bool = False, uses: int = 1_000_000
    ) -> None:
        """Ask for Bearer tokens from /token; with `users` only these get one. Each is good for so many requests."""
        self._bearer = users or {}
        self._only_post = only_post
        self._uses_per_token = uses

    # The server itself.

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.seen.requests.append((request.method, request.path_qs))
        self.seen.authorizations.append(request.headers.get("Authorization", ""))
        await asyncio.sleep(self._delay)
        for part, queue in self._statuses.items():
            if part in request.path and queue:
                status, headers, body = queue.pop(0)
                return web.Response(status=status, headers=headers, text=body)
        if request.path == "/token":
            return await self._token(request)
        if self._bearer is not None and not self._may(request):
            challenge = (
                f'Bearer realm="{request.scheme}://{self.host}/token",service="faulty",scope="repository:x:pull"'
            )
            return _error(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge})
        if "/manifests/" in request.path:
            return self._manifest(request)
        self._blobs_now += 1
        self.seen.most_blobs_at_once = max(self.seen.most_blobs_at_once, self._blobs_now)
        try:
            return await self._blob(request)
        finally:
            self._blobs_now -= 1

    def _may(self, request: web.Request) -> bool:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self._token_life[token] -= 1
        return self._token_life[token] >= 0

    async def _token(self, request: web.Request) -> web.StreamResponse:
        if request.method == "POST":
            form = {key: values[0] for key, values in parse_qs((await request.read()).decode()).items()}
            self.seen.forms.append(form)
            known = form.get("refresh_token") == "identity" or self._knows(form.get("username"), form.get("password"))
        elif self._only_post:
            return web.Response(status=405)
        else:
            login = base64.b64decode(request.headers.get("Authorization", "").removeprefix("Basic ")).decode()
            name, _, password = login.partition(":")
            known = not self._bearer or self._knows(name, password)
        if not known:
            return _error(401, "UNAUTHORIZED", "wrong user name or password")
        self._serial += 1
        self._token_life[f"token-{self._serial}"] = self._uses_per_token
        return web.json_response({"token": f"token-{self._serial}", "expires_in": 60})

    def _knows(self, name: str | None, password: str | None) -> bool:
        return bool(self._bearer) and (self._bearer or {}).get(name or "") == password

    def _manifest(self, request: web.Request) -> web.StreamResponse:
        repository, _, target = request.path.removeprefix("/v2/").partition("/manifests/")
        if (repository, target) not in self._manifests:
            return _error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        data, media_type = self._manifests[repository, target]
        return web.Response(body=data, headers={"Content-Type": media_type})

    async def _blob(self, request: web.Request) -> web.StreamResponse:
        digest = request.path.rpartition("/")[2]
        await asyncio.sleep(self._delay)
        if self._elsewhere:
            raise web.HTTPTemporaryRedirect(f"{self._elsewhere}{request.path}")
        if digest not in self._blobs:
            return _error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        data, status, headers = self._blobs[digest], 200, {}
        wanted = request.headers.get("Range", "")
        if wanted:
            self.seen.ranges.append(wanted)
        if wanted and not self._ignores_range:
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            data, status = data[start:], 206
        return await self._send(request, digest, data, status, headers)

    async def _send(
        self, request: web.Request, digest: str, data: bytes, status: int, headers: dict[str, str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = len(data)
        await response.prepare(request)
        if self._breaks.get(digest):
            await response.write(data[: self._breaks[digest].pop(0)])
            assert request.transport is not None
            request.transport.close()
            return response
        if digest in self._stalls:
            await response.write(data[: self._stalls.pop(digest)])
            await asyncio.sleep(3600)
        await response.write(data)
        return response


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    body: dict[str, Any] = {"errors": [{"code": code, "message": message}]}
    return web.Response(status=status, text=json.dumps(body), headers=headers, content_type="application/json")
