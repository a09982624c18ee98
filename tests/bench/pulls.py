"""Pull and removal of a generated image of three layers from the loopback registry."""

import random

from tests.bench.counts import Counts
from tests.bench.podcalls import timed
from tests.bench.results import Results
from tests.bench.targets import Target, in_turns
from tests.fakes.images import Entry, Image, ImageBuilder
from tests.parts.registry import Registry

LAYERS = 3
FILE_BYTES = 28 << 10
"""The mean of a distribution's image: most files are small."""


def measure(targets: list[Target], counts: Counts, results: Results, registry: Registry) -> None:
    """Targets take turns; each pulls all of it every time, since it was removed before."""
    name = registry.push(generated(counts.pull_mib), "big:1")
    for turn in in_turns(targets, counts.pull_rounds):
        pull, _ = timed("pull", lambda turn=turn: turn.cri("PullImage", image={"image": name}))
        remove, _ = timed("remove", lambda turn=turn: turn.cri("RemoveImage", image={"image": name}))
        results.add(turn.name, f"pull of {counts.pull_mib} MiB", "ms", pull.milliseconds)
        results.add(turn.name, f"removal of {counts.pull_mib} MiB", "ms", remove.milliseconds)


def generated(mib: int) -> Image:
    """An image whose files compress to about a half, as programs do; the same one every time."""
    source = random.Random(mib)
    builder = ImageBuilder()
    files = max(1, (mib << 20) // FILE_BYTES // LAYERS)
    for layer in range(LAYERS):
        entries: dict[str, Entry] = {}
        for number in range(files):
            noise = source.randbytes(FILE_BYTES // 2)
            entries[f"usr/lib/l{layer}/d{number % 50}/f{number}"] = noise + noise[:1] * (FILE_BYTES // 2)
        builder.layer(entries)
    return builder.build()
