"""A repository in a registry (distribution-spec): manifests, blobs, and its errors in domain terms.

HTTP is in transport, tokens are in authorization, and which repositories are asked for an image in registries.
"""

from collections.abc import AsyncGenerator

import aiohttp

from orlop.engine.images import media_types
from orlop.engine.images.authorization import Authorizer
from orlop.engine.images.challenge import parse_challenges
from orlop.engine.images.credentials import Credentials
from orlop.engine.images.diagnostics import MAX_BODY, Temporary, registry_says
from orlop.engine.images.download import resumed
from orlop.engine.images.hosts import RegistryHost
from orlop.engine.images.manifest import MAX_MANIFEST, Descriptor
from orlop.engine.images.reference import Reference
from orlop.engine.images.source import Document
from orlop.engine.images.transport import Request, Transport, read_up_to
from orlop.model.errors import InvalidArgument, NotFound, Unauthenticated, Unavailable

_LOGINS = 2
"""A token may have expired, and the new one's scope may differ: more answers do not help."""


class Repository:
    """One repository for one pull, a `Source`."""

    def __init__(
        self,
        transport: Transport,
        reference: Reference,
        credentials: Credentials,
        *,
        progress_timeout: float,
        settings: RegistryHost | None = None,
    ) -> None:
        """`settings` are those of the reference's host, unless they are others for this repository."""
        self.name = reference.repository
        self._transport = transport
        self._host = reference.domain
        self._settings = settings or transport.hosts.of(reference.domain)
        self._base = f"{transport.hosts.api(reference.domain, self._settings)}/v2/{reference.path}"
        self._authorizer = Authorizer(transport, reference.domain, reference.path, credentials, self._settings)
        self._timeout = progress_timeout

    async def manifest(self, target: str) -> Document:
        """A manifest or index by tag or digest."""
        what = f"manifest of {self.name}{'@' if ':' in target else ':'}{target}"
        response = await self._get(f"manifests/{target}", what, {"Accept": media_types.ACCEPTED})
        data = await self._body(response, MAX_MANIFEST, what)
        return Document(data, response.headers.get("Content-Type", ""))

    async def blob(self, blob: Descriptor) -> bytes:
        """A small blob, whole."""
        what = f"blob {blob.digest} of {self.name}"
        return await self._body(await self._get(f"blobs/{blob.digest}", what, {}), blob.size, what)

    def stream(self, blob: Descriptor) -> AsyncGenerator[bytes, None]:
        """A blob of any size, resumed where the connection breaks."""
        what = f"layer {blob.digest} of {self.name}"

        async def open_at(offset: int) -> aiohttp.ClientResponse:
            return await self._get(f"blobs/{blob.digest}", what, {"Range": f"bytes={offset}-"} if offset else {})

        return resumed(open_at, blob, what, timeout=self._timeout, backoff=self._transport.backoff)

    async def _body(self, response: aiohttp.ClientResponse, limit: int, what: str) -> bytes:
        try:
            data = await read_up_to(response, limit + 1)
        except Temporary as error:
            raise Unavailable(f"{error} ({what})") from error
        if len(data) > limit:
            raise InvalidArgument(f"registry {self._host}: the {what} is larger than {limit} bytes")
        return data

    async def _get(self, path: str, what: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        """A successful answer; everything else is raised."""
        for _ in range(_LOGINS + 1):
            used = self._authorizer.header
            sent = headers | ({"Authorization": used} if used else {})
            request = Request(url=f"{self._base}/{path}", what=what, headers=sent, settings=self._settings)
            response = await self._transport.send(request)
            if response.status != 401:
                break
            challenges = parse_challenges(response.headers.getall("WWW-Authenticate", ()))
            says = registry_says(await read_up_to(response, MAX_BODY))
            await self._authorizer.answer(challenges, used, what)
        else:
            raise Unauthenticated(f"registry {self._host} does not let us in ({what}): {says}; the credentials lack "
                                  "the right, or the repository does not exist")  # fmt: skip
        if response.status not in (200, 206):
            await self._fail(response, what)
        return response

    async def _fail(self, response: aiohttp.ClientResponse, what: str) -> None:
        says = registry_says(await read_up_to(response, MAX_BODY))
        if response.status == 404:
            raise NotFound(f"registry {self._host} does not have the {what}: {says}")
        if response.status == 403:
            raise Unauthenticated(f"registry {self._host} denies the {what}: {says}")
        raise Unavailable(f"registry {self._host} answers {response.status} {response.reason} to the {what}: {says}")
