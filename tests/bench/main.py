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
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import build_hook
from tests.bench import containerd, crio, machine, plot, table, waterfall
from tests.bench.counts import Counts
from tests.bench.orlop_target import PACKED, OrlopTarget
from tests.bench.results import Results
from tests.bench.rounds import measure
from tests.bench.targets import External, Target
from tests.fakes.images import busybox_image
from tests.harness import cgroups, privacy
from tests.harness.network import PLUGIN_DIR
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
        measured = run(given)
    finally:
        cgroups.leave()
    write(measured, Path(given.output))


@dataclass(frozen=True)
class Measured:
    """All that was measured."""

    results: Results
    waterfall: list[waterfall.Row]


def run(options: argparse.Namespace) -> Measured:
    """Start the targets, measure them in turns, and end those that were started."""
    wanted = _checked(options)
    with contextlib.ExitStack() as stack:
        base = Path(tempfile.mkdtemp(prefix="ob-", dir="/tmp"))
        stack.callback(shutil.rmtree, base)
        registry = stack.enter_context(_registry(base))
        image = registry.push(busybox_image(), "busybox:1")
        rows = _waterfall(options, image, registry, wanted.waterfall) if wanted.waterfall else []
        targets = [stack.enter_context(target) for target in _targets(options, base, image, registry)]
        for target in targets:
            target.ready()
        described = [machine.describe(), *(f"{target.name}: {target.version()}" for target in targets)]
        results = Results([target.name for target in targets], described)
        measure(targets, wanted, results, registry)
    return Measured(results, rows)


def write(measured: Measured, directory: Path) -> None:
    """Print the tables and write everything."""
    directory.mkdir(parents=True, exist_ok=True)
    results, rows = measured.results, measured.waterfall
    files = {
        "table.txt": table.text(results),
        "results.json": json.dumps(results.plain(), indent=1) + "\n",
        "plot.svg": plot.svg(results),
    }
    if rows:
        files |= {"waterfall.txt": waterfall.text(rows), "waterfall.svg": waterfall.svg(rows)}
    for name, content in files.items():
        (directory / name).write_text(content)
    print("\n".join(content for name, content in files.items() if name.endswith(".txt")))
    print(f"{', '.join(files)} are in {directory}")


def _registry(base: Path) -> Registry:
    if not registries.available():
        sys.exit(f"{registries.PROGRAM} is not installed: the images come from it")
    return Registry(base / "registry")


def _waterfall(options: argparse.Namespace, image: str, registry: Registry, pods: int) -> list[waterfall.Row]:
    target = OrlopTarget(
        image, options.handler, registry, **_network(options), config={"daemon": {"log_level": "debug"}}
    )
    with target:
        target.ready()
        waterfall.measure(target, 1)  # what is made once
        return waterfall.measure(target, pods)


def _targets(options: argparse.Namespace, base: Path, image: str, registry: Registry) -> list[Target]:
    network = _network(options)
    found: list[Target] = [OrlopTarget(image, options.handler, registry, **network)]
    if options.nftables:
        own = {"network": {"in_process": True, "plugin_dirs": [options.plugins]}}
        found.append(OrlopTarget(image, options.handler, registry, name="orlop in-process", config=own, **network))
    if options.packed:
        erofs = {"images": {"layers": "erofs"}}
        found.append(OrlopTarget(image, options.handler, registry, name=PACKED, config=erofs, **network))
    found += [External(*_name_and_path(given), options.image, options.handler) for given in options.target]
    if options.crio:
        found.append(crio.Crio(base, image, options.handler, registry, binary=options.crio, **network))
    if binary := _containerd(options):
        found.append(containerd.Containerd(base, image, options.handler, registry, binary=binary, **network))
    return found


def _name_and_path(given: str) -> tuple[str, str]:
    name, separator, socket = given.partition("=")
    if not separator or not socket.startswith("unix://"):
        sys.exit(f"--target {given!r}: it must be NAME=unix:///path/of.sock")
    return name, socket.removeprefix("unix://")


def _containerd(options: argparse.Namespace) -> str:
    """The containerd to start; empty: none."""
    if options.alone or (options.target and not options.containerd):
        return ""
    binary = options.containerd or "containerd"
    if missing := containerd.missing(binary):
        sys.exit(f"{missing} is not installed; install containerd, name another --target, or measure --alone")
    return str(binary)


def _checked(options: argparse.Namespace) -> Counts:
    """The counts, when all else is right too: before anything is started."""
    for given in options.target:
        _name_and_path(given)
    _containerd(options)
    if options.crio and (missing := crio.missing(options.crio)):
        sys.exit(f"{missing} is not here: CRI-O needs it")
    wanted = counts(options)
    try:
        wanted.sizes()
    except ValueError as error:
        sys.exit(str(error))
    return wanted


def _network(options: argparse.Namespace) -> dict[str, Any]:
    return {"plugins": options.plugins, "nftables": options.nftables}


def counts(options: argparse.Namespace) -> Counts:
    """The counts among the options."""
    return Counts(**{field.name: getattr(options, field.name) for field in fields(Counts)})


def options(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.sh", description=__doc__)
    parser.add_argument("--target", action="append", default=[], metavar="NAME=unix:///PATH", help="a peer; repeatable")
    parser.add_argument("--alone", action="store_true", help="orlop without a peer")
    parser.add_argument("--containerd", metavar="PATH", help="another build than Debian's, its shim beside it")
    parser.add_argument("--crio", metavar="PATH", help="a build of CRI-O, pinns beside it")
    parser.add_argument("--plugins", default=PLUGIN_DIR, metavar="DIR", help="CNI plugins of all (default: Debian's)")
    parser.add_argument(
        "--nftables",
        action="store_true",
        help="a conflist with nftables, for plugins >= 1.6; orlop a second time, with network.in_process",
    )
    parser.add_argument(
        "--packed", action="store_true", help='orlop once more for the pulls, with images.layers = "erofs"'
    )
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
