"""Pull and removal of a generated image of three layers from the loopback registry."""

import random

from isal import igzip

from orlop.linux.files import sync_filesystem
from tests.bench.counts import Counts
from tests.bench.podcalls import timed
from tests.bench.results import Results
from tests.bench.targets import Target, in_turns
from tests.fakes.images import Entry, Image, ImageBuilder, tar_bytes
from tests.parts.registry import Registry

LAYERS = 3


def measure(targets: list[Target], counts: Counts, results: Results, registry: Registry) -> None:
    """Targets take turns; each pulls all of it every time, since it was removed before."""
    name = registry.push(generated(counts.pull_mib, counts.pull_files), "big:1")
    what = f"{counts.pull_mib} MiB, {counts.pull_files} files"
    for turn in in_turns(targets, counts.pull_rounds):
        pull, _ = timed("pull", lambda turn=turn: turn.cri("PullImage", image={"image": name}))
        # An image that is removed is older than half a minute: its files are on the disk, for every target.
        sync_filesystem(str(turn.directory))
        remove, _ = timed("remove", lambda turn=turn: turn.cri("RemoveImage", image={"image": name}))
        results.add(turn.name, f"pull of {what}", "ms", pull.milliseconds)
        results.add(turn.name, f"removal of {what}", "ms", remove.milliseconds)


def generated(mib: int, files: int) -> Image:
    """An image of files that compress to about a half, as programs do; the same one every time."""
    source = random.Random(mib)
    builder = ImageBuilder()
    size, each = (mib << 20) // max(1, files), max(1, files // LAYERS)
    for layer in range(LAYERS):
        entries: dict[str, Entry] = {}
        for number in range(each):
            noise = source.randbytes(size // 2)
            entries[f"usr/lib/l{layer}/d{number % 50}/f{number}"] = noise + noise[:1] * (size - len(noise))
        tar = tar_bytes(entries)
        builder.raw_layer(tar, blob=igzip.compress(tar, compresslevel=1))
    return builder.build()
