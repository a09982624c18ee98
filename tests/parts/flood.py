"""A gigabyte to send and to compare: made block by block, never whole in memory, told by size and digest."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MIB = 1 << 20
_NOISE = os.urandom(MIB)


@dataclass(frozen=True)
class Told:
    """What a stream of bytes was."""

    size: int
    digest: str


def blocks(mib: int) -> Iterator[bytes]:
    """So many blocks of 1 MiB, each another: a block that is lost, doubled or out of its place changes the digest."""
    for number in range(mib):
        yield number.to_bytes(8, "big") + _NOISE[8:]


def told(pieces: Iterator[bytes]) -> Told:
    """Size and digest of what comes."""
    size, digest = 0, hashlib.blake2b()
    for piece in pieces:
        size += len(piece)
        digest.update(piece)
    return Told(size, digest.hexdigest())


def there_and_back(
    mib: int, send: Callable[[bytes], object], end: Callable[[], object], receive: Iterator[bytes]
) -> Told:
    """Send the blocks and then the end, while what comes back is taken to its end; what came."""

    def sending() -> None:
        for block in blocks(mib):
            send(block)
        end()

    sender = threading.Thread(target=sending)
    sender.start()
    came = told(receive)
    sender.join()
    return came
