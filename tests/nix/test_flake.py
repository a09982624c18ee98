"""The flake as a whole, against a stand-in for nixpkgs; the way in without flakes; and the VM tests.

Of the VM tests a machine without nixpkgs and KVM can judge this much: their nodes evaluate, their scripts compile and
use no name that is not there.
"""

import ast
import builtins
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.harness import nix
from tests.lint.tools import tracked

ROOT = nix.ROOT
STAND_IN = ROOT / "tests" / "nix" / "nixpkgs"
VM_TESTS = sorted(path.stem for path in (nix.NIX / "tests").glob("*.nix") if path.name != "default.nix")
DRIVER = {"start_all", "machine", "subtest", "retry", "driver"}
"""Names that NixOS' test driver gives a script, beside those of its nodes."""

FLAKE = {
    "apps": {"default", "orlop", "orlopd"},
    "checks": {"package", *VM_TESTS},
    "devShells": {"default"},
    "packages": {"default", "orlop"},
}


def _command(directory: Path, *words: str) -> list[str]:
    """A command on copies of the flake's own files, for Nix takes the whole directory of a flake and nothing beside."""
    copy, stand_in = directory / "flake", directory / "nixpkgs"
    for path in tracked("flake.nix", "nix", "runtime", "pyproject.toml", "README.md", "LICENSE"):
        _copy(path, copy / path.relative_to(ROOT))
    for path in tracked("tests/nix/nixpkgs"):
        _copy(path, stand_in / path.relative_to(STAND_IN))
    _copy(ROOT / "pyproject.toml", stand_in / "pyproject.toml")
    options = ["--extra-experimental-features", "nix-command flakes", "--option", "build-users-group", ""]
    override = [
        "--no-write-lock-file",
        "--override-input",
        "nixpkgs",
        f"path:{stand_in}",
        f"path:{copy}",
    ]
    return ["nix", *options, "flake", *words, *override]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def test_the_flake_checks(tmp_path: Path) -> None:
    done = nix.run(_command(tmp_path, "check", "--no-build"), tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_flake_has_what_it_promises(tmp_path: Path) -> None:
    done = nix.run(_command(tmp_path, "show", "--json"), tmp_path)
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    for output, names in FLAKE.items():
        for system in ("x86_64-linux", "aarch64-linux"):
            assert set(shown[output][system]) == names, output
    assert set(shown["nixosModules"]) == {"default", "control-plane", "lab", "worker"}
    assert set(shown["overlays"]) == {"default"}


def test_nixpkgs_is_the_only_input() -> None:
    text = (ROOT / "flake.nix").read_text()
    assert [line for line in text.splitlines() if ".url" in line] == [
        '  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";'
    ]
    assert not (ROOT / "flake.lock").exists(), "then docs/install-nixos.md says otherwise"


def test_without_flakes(tmp_path: Path) -> None:
    expression = f"""let
      pkgs = import {STAND_IN} {{ }};
      ways = import {nix.NIX} {{ inherit pkgs; }};
    in {{
      overlay = (ways.overlay pkgs pkgs).orlop.version;
      inherit (ways.orlop) version;
      dependencies = map (found: found.name) ways.orlop.dependencies;
      project = (pkgs.lib.importTOML {ROOT}/pyproject.toml).project.dependencies;
      tests = builtins.attrNames ways.tests;
      packageTests = builtins.attrNames ways.orlop.passthru.tests;
      profiles = builtins.attrNames ways.profiles;
      module = builtins.pathExists ways.module;
    }}"""
    argv = ["nix-instantiate", "--eval", "--strict", "--json", "--store", "dummy://", "-"]
    done = nix.run(argv, tmp_path, stdin=expression)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["tests"] == found["packageTests"] == VM_TESTS
    assert (found["version"], found["overlay"], found["module"]) == ("0.1.0", "0.1.0", True)
    needed = [re.split("[<>=!~ ;[]", requirement)[0].lower() for requirement in found["project"]]
    assert sorted(found["dependencies"]) == sorted(needed), "nix/package.nix and pyproject.toml name the same"
    assert found["profiles"] == ["control-plane", "lab", "worker"]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Script and nodes' names of each VM test."""
    written = "".join(
        f'"{name}" = let test = import {nix.NIX}/tests/{name}.nix; in '
        "{ inherit (test) name testScript; nodes = builtins.attrNames test.nodes; };\n"
        for name in VM_TESTS
    )
    argv = ["nix-instantiate", "--eval", "--strict", "--json", "--store", "dummy://", "-"]
    done = nix.run(argv, tmp_path_factory.mktemp("scripts"), stdin=f"{{ {written} }}")
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", VM_TESTS)
def test_a_vm_tests_script_compiles(scripts: dict[str, dict[str, Any]], name: str) -> None:
    test = scripts[name]
    tree = ast.parse(test["testScript"], name)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    known = {node.id for node in nodes if isinstance(node.ctx, ast.Store)} | DRIVER | set(dir(builtins))
    known |= {inner.name for inner in ast.walk(tree) if isinstance(inner, ast.FunctionDef | ast.alias)}
    known |= {argument.arg for argument in ast.walk(tree) if isinstance(argument, ast.arg)} | set(test["nodes"])
    assert {node.id for node in nodes} - known == set()


def test_the_vm_tests_nodes_are_nodes(tmp_path: Path, scripts: dict[str, dict[str, Any]]) -> None:
    nodes = {
        f"{name} {node}": f"[ (import {nix.NIX}/tests/{name}.nix).nodes.{node} ]"
        for name, test in scripts.items()
        for node in test["nodes"]
    }
    for case, report in nix.reports(nodes, tmp_path).items():
        assert report["failed"] == [], case
        assert "orlop" in report["services"], case
