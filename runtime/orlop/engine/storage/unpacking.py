"""Unpack a layer: start the worker, feed it the compressed blob, compare both digests with what was promised.

Where the bytes come from is the caller's; what becomes of the directory is in layers.
"""

import asyncio
import errno
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from typing import Any, Literal

import msgspec

from orlop.aio import process
from orlop.engine.storage import digests
from orlop.engine.storage.pipe import PipeWriter, read_all
from orlop.model.errors import DataLoss, InvalidArgument, ResourceExhausted, TimedOut

MAX_ANSWER = 16 << 20

Compression = Literal["gzip", "zstd", "none"]
# Not -m: runpy and what it imports would take a third of the worker's start.
_PROGRAM = "from orlop.engine.storage.unpack_worker import main; main()"
# glibc keeps the memory of a chunk for the next one: returned to the kernel, each would be zeroed and mapped anew,
# a page fault for every page of the tar. See mallopt(3); another C library does not read these.
_KEEP_CHUNKS = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
    "MALLOC_TOP_PAD_": str(1 << 20),
}
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """A layer as a manifest describes it."""

    digest: str
    size: int
    """Compressed."""
    diff_id: str


class Unpacked(msgspec.Struct, frozen=True):
    """What is in the directory now."""

    size: int
    inodes: int
    implicit: Sequence[str]
    """Directories that the layer does not list, which take after the layers below."""


async def unpack(
    blob: Blob, chunks: AsyncIterator[bytes], directory: str, *, base: bool, packed: bool = False
) -> Unpacked:
    """Unpack a stream of compressed bytes into an empty directory, and verify it; `packed`: as one file (see packing).

    Raises DataLoss for wrong content, InvalidArgument for a tar that may not be unpacked, ResourceExhausted on a full
    disk, and whatever `chunks` raises. The directory is then the caller's to remove.
    """
    with ExitStack() as ours, ExitStack() as workers:
        answer_read, answer_write = os.pipe()
        ours.callback(os.close, answer_read)
        workers.callback(os.close, answer_write)
        blob_read, blob_write = os.pipe()
        workers.callback(os.close, blob_read)
        writer = ours.enter_context(PipeWriter(blob_write))
        head = await _head(chunks)
        argv = _arguments(blob, directory, compression(head), base=base, packed=packed)
        worker = _start(argv, stdin=blob_read, stdout=answer_write)
        workers.close()  # it has its own
        try:
            with writer:
                count = await _feed(head, chunks, writer)
            answer = await read_all(answer_read, MAX_ANSWER)
        finally:
            writer.close()
            await _end(worker)
    return _judge(blob, _decode(answer, blob), count, directory)


def _arguments(blob: Blob, directory: str, kind: Compression, *, base: bool, packed: bool) -> list[str]:
    algorithms = [digests.algorithm(blob.digest), digests.algorithm(blob.diff_id)]
    return [directory, kind, *algorithms, "base" if base else "over", "image" if packed else "files"]


def _start(arguments: Sequence[str], *, stdin: int, stdout: int) -> process.Process:
    # -S and the ready-made path: importing `site` would take as long as everything else the worker imports.
    argv = [sys.executable, "-S", "-c", _PROGRAM, *arguments]
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LC_ALL": "C.UTF-8", **_KEEP_CHUNKS}
    return process.start(argv, stdin=stdin, stdout=stdout, stderr=2, env=environment)


async def _head(chunks: AsyncIterator[bytes]) -> bytes:
    """Enough to see how the blob is compressed."""
    head = b""
    while len(head) < 4 and (chunk := await anext(chunks, None)) is not None:
        head += chunk
    return head


def compression(head: bytes) -> Compression:
    """From the first bytes: media types are known to be wrong at times, and peers go by these too."""
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    # A frame, or one of the skippable frames that a zstd:chunked layer may begin with.
    if head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
        return "zstd"
    return "none"


async def _feed(head: bytes, chunks: AsyncIterator[bytes], writer: PipeWriter) -> int | None:
    """Bytes written, or None when the worker stopped reading: then its answer says why."""
    count = len(head)
    try:
        await writer.write(head)
        async for chunk in chunks:
            await writer.write(chunk)
            count += len(chunk)
    except BrokenPipeError:
        return None
    return count


async def _end(worker: process.Process) -> None:
    """The worker ends by itself after its answer; otherwise nobody needs it any more."""
    worker.kill()
    await asyncio.shield(worker.wait())


def _decode(answer: bytes, blob: Blob) -> dict[str, Any]:
    try:
        result = json.loads(answer)
    except ValueError as error:
        raise TimedOut(
            f"the unpacking of layer {blob.digest} ended without an answer; see the log before this"
        ) from error
    return dict(result)


def _judge(blob: Blob, answer: dict[str, Any], count: int | None, directory: str) -> Unpacked:
    if "error" in answer:
        if answer.get("errno") in _FULL:
            raise ResourceExhausted(f"no space left below {directory} to unpack layer {blob.digest}: {answer['error']}")
        raise InvalidArgument(f"layer {blob.digest} cannot be unpacked: {answer['error']}")
    if count != blob.size:
        raise DataLoss(f"layer {blob.digest} has {count} bytes, its manifest says {blob.size}")
    for what, wanted, got in (("digest", blob.digest, answer["blob"]), ("diff id", blob.diff_id, answer["diff"])):
        if got != digests.hexadecimal(wanted):
            raise DataLoss(f"layer {blob.digest} has the wrong {what}: expected {wanted}, got {got}")
    return Unpacked(size=answer["size"], inodes=answer["inodes"], implicit=answer["implicit"])
