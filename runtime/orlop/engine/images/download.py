"""One blob as a stream that survives broken and stalled connections: it goes on where it stopped, by Range.

The digest is not checked here: whoever reads the stream to its end does.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

import aiohttp

from orlop.engine.images.manifest import Descriptor
from orlop.model.errors import DataLoss, Unavailable

Open = Callable[[int], Awaitable[aiohttp.ClientResponse]]
"""Ask for the blob from an offset on."""

PROGRESS = 1 << 20
"""A connection that brought this much counts as good: the tries begin anew."""


async def resumed(
    open_at: Open, blob: Descriptor, what: str, *, timeout: float, backoff: Sequence[float]
) -> AsyncGenerator[bytes, None]:
    """The blob's bytes, once each. Raises DataLoss for a wrong size, Unavailable when it breaks too often in a row."""
    offset, failures = 0, 0
    while True:
        begun = offset
        try:
            async with aclosing(_from(await open_at(offset), offset, timeout)) as chunks:
                async for chunk in chunks:
                    offset += len(chunk)
                    if offset > blob.size:
                        raise DataLoss(f"{what} is longer than the {blob.size} bytes that its manifest says")
                    yield chunk
            if offset == blob.size:
                return
            raise DataLoss(f"{what} is truncated: {offset} bytes, its manifest says {blob.size}")
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            failures = 1 if offset - begun >= PROGRESS else failures + 1
            if failures > len(backoff):
                why = f"no byte for {timeout:g} s" if isinstance(error, TimeoutError) else str(error)
                raise Unavailable(f"{what} broke off at byte {offset} of {blob.size}, {failures} times in a row: "
                                  f"{why}") from error  # fmt: skip
            await asyncio.sleep(backoff[failures - 1])


async def _from(response: aiohttp.ClientResponse, offset: int, timeout: float) -> AsyncGenerator[bytes, None]:
    """The body from an offset on, whether or not the server begins there."""
    skip = offset if response.status == 200 else offset - _range_start(response)
    if skip < 0:
        response.close()
        raise aiohttp.ClientPayloadError("the answer begins behind the requested byte")
    try:
        while True:
            async with asyncio.timeout(timeout or None):
                chunk = await response.content.readany()
            if not chunk:
                return
            if skip:
                chunk, skip = chunk[skip:], max(0, skip - len(chunk))
            if chunk:
                yield chunk
    finally:
        # Closed, not released: after a failure or a cancellation the rest of the body is of no use.
        response.close()


def _range_start(response: aiohttp.ClientResponse) -> int:
    """From "Content-Range: bytes 100-199/200"."""
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    start = rest.partition("-")[0]
    if unit != "bytes" or not (start.isascii() and start.isdigit() and len(start) < 20):
        raise aiohttp.ClientPayloadError("a partial answer does not say where it begins")
    return int(start)
