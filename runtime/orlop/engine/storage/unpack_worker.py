"""The program that unpacks one layer: `python -S -m …unpack_worker ROOT COMPRESSION BLOB DIFF BASE`.

BLOB and DIFF name the digest algorithms, BASE is "base" for a layer with none below it. The compressed blob comes on
stdin, one JSON line with the outcome goes to stdout. It runs beside the daemon, so that unpacking has a core and an
interpreter of its own, and shuts itself into ROOT before it looks at a byte of the layer.
Starting it and judging the digests is in unpacking.
"""

import json
import os
import sys
from typing import Any, get_args

from orlop.engine.storage.extract import EntryError, Extracted, Extractor
from orlop.engine.storage.inflate import Compression, HashedInput, Inflated, InflateError, decoder
from orlop.engine.storage.tar_headers import TarError
from orlop.engine.storage.tar_stream import TarStream


def confine(root: str) -> None:
    """Make the layer's directory all that can be seen. Everything needed is imported by now."""
    os.chroot(root)
    os.chdir("/")


def outcome(source: HashedInput, inflated: Inflated, extracted: Extracted) -> dict[str, Any]:
    """What the daemon wants to know of a layer that was unpacked."""
    return {
        "blob": source.digest(),
        "diff": inflated.digest(),
        "read": source.count,
        "size": extracted.size,
        "inodes": extracted.inodes,
        "implicit": [os.fsdecode(path) for path in extracted.implicit],
    }


def unpack(source: HashedInput, inflated: Inflated, *, base: bool) -> dict[str, Any]:
    """Unpack into "/"; a failure is an outcome too."""
    try:
        return outcome(source, inflated, Extractor(base=base).unpack(TarStream(iter(inflated))))
    except EntryError as error:
        return {"error": str(error), "errno": error.number}
    except (TarError, InflateError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    except OSError as error:
        return {"error": str(error), "errno": error.errno}


def main(argv: list[str]) -> int:
    """Unpack stdin into a directory."""
    root, compression, blob_algorithm, diff_algorithm, base = argv
    kind: Compression = next(each for each in get_args(Compression) if each == compression)
    decode = decoder(kind)
    source = HashedInput(0, blob_algorithm)
    confine(root)
    result = unpack(source, Inflated(source, decode, diff_algorithm), base=base == "base")
    print(json.dumps(result), flush=True)
    # The reading thread may still wait for the rest of a blob that is of no use any more.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
