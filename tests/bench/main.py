"""The command line: which targets, which counts, where the results go. bench.sh starts it.

The process moves into network and mount namespaces and a cgroup of its own, as the test suite does, so that nothing
that it starts touches the machine's interfaces and mounts.
"""

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import build_hook
from tests.bench import containerd, machine, plot, table
from tests.bench.counts import Counts
from tests.bench.orlop_target import OrlopTarget
from tests.bench.results import Results
from tests.bench.rounds import measure
from tests.bench.targets import External, Target
from tests.fakes.images import busybox_image
from tests.harness import cgroups, privacy
from tests.parts import registry as registries
from tests.parts.registry import Registry

DEFAULT_IMAGE = "docker.io/library/busybox:latest"


def main(argv: Sequence[str]) -> None:
    """Measure, print the table, and write table.txt, results.json and plot.svg."""
    given = options(argv)
    if os.geteuid() != 0:
        sys.exit("the benchmark needs root: it starts containers")
    privacy.enter()
    cgroups.enter()
    build_hook.make_stubs()
    try:
        results = run(given)
    finally:
        cgroups.leave()
    write(results, Path(given.output))


def run(options: argparse.Namespace) -> Results:
    """Start the targets, measure them in turns, and end those that were started."""
    with contextlib.ExitStack() as stack:
        base = Path(tempfile.mkdtemp(prefix="ob-", dir="/tmp"))
        stack.callback(shutil.rmtree, base)
        registry = stack.enter_context(Registry(base / "registry")) if registries.available() else None
        targets = [stack.enter_context(target) for target in _targets(options, base, registry)]
        for target in targets:
            target.ready()
        described = [machine.describe(), *(f"{target.name}: {target.version()}" for target in targets)]
        results = Results([target.name for target in targets], described)
        measure(targets, counts(options), results, registry)
    return results


def write(results: Results, directory: Path) -> None:
    """Print the table and write everything."""
    directory.mkdir(parents=True, exist_ok=True)
    text = table.text(results)
    (directory / "table.txt").write_text(text)
    (directory / "results.json").write_text(json.dumps(results.plain(), indent=1) + "\n")
    (directory / "plot.svg").write_text(plot.svg(results))
    print(text, end="")
    print(f"\ntable.txt, results.json and plot.svg are in {directory}")


def _targets(options: argparse.Namespace, base: Path, registry: Registry | None) -> list[Target]:
    if registry is None:
        sys.exit(f"{registries.PROGRAM} is not installed: the images come from it")
    image = registry.push(busybox_image(), "busybox:1")
    found: list[Target] = [OrlopTarget(image, options.handler, registry)]
    for given in options.target:
        name, separator, socket = given.partition("=")
        if not separator or not socket.startswith("unix://"):
            sys.exit(f"--target {given!r}: it must be NAME=unix:///path/of.sock")
        found.append(External(name, socket.removeprefix("unix://"), options.image, options.handler))
    if not options.target and not options.alone:
        if missing := containerd.missing():
            sys.exit(f"{missing} is not installed; install containerd, name another --target, or measure --alone")
        found.append(containerd.Containerd(base, image, options.handler, registry))
    return found


def counts(options: argparse.Namespace) -> Counts:
    """The counts among the options."""
    return Counts(**{field.name: getattr(options, field.name) for field in fields(Counts)})


def options(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.sh", description=__doc__)
    parser.add_argument("--target", action="append", default=[], metavar="NAME=unix:///PATH", help="a peer; repeatable")
    parser.add_argument("--alone", action="store_true", help="orlop without a peer")
    parser.add_argument("--image", default=DEFAULT_IMAGE, help="for --target: an image with sh, sleep and true")
    parser.add_argument("--handler", default="runc", help="the runtime handler of all targets (default: runc)")
    parser.add_argument("--output", default=".cache/bench", help="directory of the results")
    for name, default in vars(Counts()).items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(
            option, type=type(default), default=default, help=f"{Counts.MEANINGS[name]} (default: {default})"
        )
    return parser.parse_args(argv)


if __name__ == "__main__":
    main(sys.argv[1:])
