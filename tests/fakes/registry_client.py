"""The registry client as a test has it: one repository, short pauses, and a blob read to its end."""

import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence

from orlop.engine.images.credentials import ANONYMOUS, Credentials
from orlop.engine.images.hosts import Hosts, RegistryHost
from orlop.engine.images.manifest import Descriptor
from orlop.engine.images.reference import parse
from orlop.engine.images.registry import Repository
from orlop.engine.images.transport import Transport


@contextlib.asynccontextmanager
async def repository(
    reference: str,
    *,
    credentials: Credentials = ANONYMOUS,
    timeout: float = 5.0,
    plain: bool = True,
    hosts: Mapping[str, RegistryHost] | None = None,
    backoff: Sequence[float] = (0.01, 0.01),
) -> AsyncIterator[Repository]:
    """The repository of a reference, by plain HTTP unless `hosts` say more."""
    name = parse(reference)
    client = Transport(Hosts(hosts or {name.domain: RegistryHost(plain_http=plain)}), backoff=backoff)
    try:
        yield Repository(client, name, credentials, progress_timeout=timeout)
    finally:
        await client.aclose()


async def read(source: Repository, blob: Descriptor) -> str:
    """The digest of what comes."""
    digest = hashlib.sha256()
    async for chunk in source.stream(blob):
        digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"
