"""Nix for tests: evaluation of the module's cases, and the build steps that it wants, run as Nix would run them.

ORLOP_NIX names the directory of another Nix's programs; NIXPKGS_LIB a checkout of nixpkgs' lib to evaluate with.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NIX = ROOT / "nix"
EVALUATE = ROOT / "tests" / "nix" / "evaluate.nix"


def program(name: str) -> str:
    """Path of one of Nix's programs."""
    place = os.environ.get("ORLOP_NIX")
    return os.path.join(place, name) if place else name


def environment(directory: Path) -> dict[str, str]:
    """Nix keeps everything below the directory, and reads no configuration of the machine's."""
    places = {
        "NIX_STORE_DIR": "store",
        "NIX_STATE_DIR": "state",
        "NIX_LOG_DIR": "log",
        "NIX_LOCALSTATE_DIR": "local",
        "NIX_CONF_DIR": "conf",
        "XDG_CACHE_HOME": "cache",
        "HOME": "home",
    }
    for name in ("conf", "home"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    return {**os.environ, **{name: str(directory / place) for name, place in places.items()}}


def run(argv: list[str], directory: Path, *, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """One of Nix's programs, with its places below the directory."""
    return subprocess.run(
        [program(argv[0]), *argv[1:]],
        env=environment(directory),
        input=stdin,
        check=False,
        capture_output=True,
        text=True,
    )


def evaluate(cases: Mapping[str, str], directory: Path, *, lib: str = "") -> subprocess.CompletedProcess[str]:
    """What the module makes of each case, a list of modules as a Nix expression: a JSON object on standard output."""
    written = "".join(f"{json.dumps(name)} = {modules};\n" for name, modules in cases.items())
    given = f"lib = import {lib};" if lib else ""
    expression = f"import {EVALUATE} {{ {given} cases = {{ {written} }}; }}"
    argv = ["nix-instantiate", "--eval", "--strict", "--json", "--store", "dummy://", "-"]
    return run(argv, directory, stdin=expression)


def reports(cases: Mapping[str, str], directory: Path, *, lib: str = "") -> dict[str, Any]:
    """The same, of cases that evaluate."""
    done = evaluate(cases, directory, lib=lib)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def modules(settings: str, *, profile: str = "", more: str = "") -> str:
    """The list of modules of a case: the module, a profile, and settings of services.orlop."""
    chosen = f"{NIX}/profiles/{profile}.nix" if profile else ""
    return f"[ {NIX}/modules {chosen} {{ services.orlop = {settings}; }} {more} ]"


def build(report: Mapping[str, Any], directory: Path) -> dict[str, str]:
    """Run the build steps of a report; the text of each file of the system, by its path.

    Raises AssertionError with the step's words where one fails.
    """
    _command(directory)
    for step in report["steps"]:
        _run_step(step, directory)
    found = {f"/etc/{name}": _text(source, directory) for name, source in report["etc"].items()}
    units = directory / "orlop-units" / "lib" / "systemd" / "system"
    for path in sorted(units.rglob("*")):
        if path.is_file():
            found[f"/etc/systemd/system/{path.relative_to(units)}"] = path.read_text()
    return found


def _run_step(step: Mapping[str, str], directory: Path) -> None:
    declaration = directory / "declaration.json"
    declaration.write_text(step["declaration"])
    env = {
        "PATH": f"{directory}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "runtime"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "declarationPath": str(declaration),
        "out": str(directory / step["name"]),
    }
    argv = ["bash", "-euc", _placed(step["script"], directory)]
    done = subprocess.run(argv, env=env, cwd=directory, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _command(directory: Path) -> None:
    """`orlop` of this checkout, as the package puts it on a build step's PATH."""
    directory.mkdir(parents=True, exist_ok=True)
    command = directory / "orlop"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from orlop.cli.main import main; main()" "$@"\n')
    command.chmod(0o755)


def _text(source: str, directory: Path) -> str:
    return Path(_placed(source, directory)).read_text()


def _placed(text: str, directory: Path) -> str:
    """Outputs of steps are where the test has them; packages stay names."""
    for name in ("orlop-node", "orlop-units"):
        text = text.replace(f"/store/{name}", str(directory / name))
    return text
