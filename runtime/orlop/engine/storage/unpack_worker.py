"""The program that unpacks one layer: `main` with the arguments ROOT COMPRESSION BLOB DIFF BASE KIND.

BLOB and DIFF name the digest algorithms, BASE is "base" for a layer with none below it, KIND is "files" for a tree in
ROOT or "image" for one file there, layer.erofs. The compressed blob comes on
stdin, one JSON line with the outcome goes to stdout. It runs beside the daemon, so that unpacking has a core and an
interpreter of its own, and shuts itself into ROOT before it looks at a byte of the layer.
Starting it and judging the digests is in unpacking.
"""

from __future__ import annotations

import os
import sys

from orlop.engine.storage.extract import EntryError, Extracted, Extractor
from orlop.engine.storage.inflate import HashedInput, Inflated, InflateError, decoder
from orlop.engine.storage.tar_headers import TarError
from orlop.engine.storage.tar_stream import TarStream

TYPE_CHECKING = False  # as in typing, without importing it
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Answer = str | int | list[str] | dict[str, "Answer"]


MAX_PATHS = 12 << 20
"""Bytes of the paths in an answer, which the daemon reads up to unpacking.MAX_ANSWER."""


def confine(root: str) -> None:
    """Make the layer's directory all that can be seen. Everything needed is imported by now."""
    os.chroot(root)
    os.chdir("/")


def to_json(value: Answer) -> str:
    """JSON, without the library's import of regular expressions."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{to_json(key)}: {to_json(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(to_json(each) for each in value) + "]"
    if isinstance(value, str):
        return '"' + "".join(_character(ord(each)) for each in value) + '"'
    return str(value)


def _character(code: int) -> str:
    if code > 0xFFFF:
        code -= 0x10000
        return _character(0xD800 + (code >> 10)) + _character(0xDC00 + (code & 0x3FF))
    return chr(code) if 0x20 <= code < 0x7F and code not in b'"\\' else f"\\u{code:04x}"


def outcome(source: HashedInput, inflated: Inflated, extracted: Extracted) -> dict[str, Answer]:
    """What the daemon wants to know of a layer that was unpacked. Raises EntryError for more than it takes."""
    if sum(map(len, extracted.implicit)) > MAX_PATHS:
        raise EntryError(f"directories that the layer does not list have more than {MAX_PATHS} bytes of names")
    return {
        "blob": source.digest(),
        "diff": inflated.digest(),
        "read": source.count,
        "size": extracted.size,
        "inodes": extracted.inodes,
        "implicit": [os.fsdecode(path) for path in extracted.implicit],
    }


def told(work: Callable[[], dict[str, Answer]]) -> dict[str, Answer]:
    """Do the work; a failure is an outcome too."""
    try:
        return work()
    except EntryError as error:
        return {"error": str(error), "errno": error.number}
    except (TarError, InflateError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    except OSError as error:
        return {"error": str(error), "errno": error.errno or 0}


def unpack(source: HashedInput, decode: Callable[[Any], Any], algorithm: str, *, base: bool) -> dict[str, Answer]:
    """Unpack into "/"."""
    inflated = Inflated(source, decode, algorithm)
    return outcome(source, inflated, Extractor(base=base).unpack(TarStream(iter(inflated))))


def pack(source: HashedInput, decode: Callable[[Any], Any], algorithm: str, *, base: bool) -> dict[str, Answer]:
    """Write the layer as one file in "/"."""
    from orlop.engine.storage.packing import LayerFile

    file = LayerFile("/")
    inflated = Inflated(source, decode, algorithm, file.write)
    return outcome(source, inflated, file.fill(TarStream(iter(inflated)), base=base))


def main() -> None:
    """Unpack stdin into a directory."""
    root, compression, blob_algorithm, diff_algorithm, base, kind = sys.argv[1:]
    decode = decoder(compression)
    work = unpack
    if kind == "image":
        import orlop.engine.storage.packing  # noqa: F401  # while the program can still be seen

        work = pack
    source = HashedInput(0, blob_algorithm)
    confine(root)
    print(to_json(told(lambda: work(source, decode, diff_algorithm, base=base == "base"))), flush=True)
    # The reading thread may still wait for the rest of a blob that is of no use any more.
    os._exit(0)
