"""Numbers and rules that every file keeps: sizes, docstrings, names, and nothing of the machine it was written on."""

import ast
import json
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.node.schema import json_schema
from tests.lint.tools import ROOT, tracked

FILE_LINES = 400
FUNCTION_LINES = 60
RUNTIME = ROOT / "runtime"

# In pieces, so that this file does not hold what it forbids.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("".join(("python", "hosted")), "org"),
        ("deb", "debian", "org"),
        ("snapshot", "debian", "org"),
        ("security", "debian", "org"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("npmjs", "org"),
        ("crates", "io"),
        ("galaxy", "ansible", "com"),
    )
]
_PLACES = (("work", "main"), ("work", "shared"), ("home", "user"), ("tmp", "dev"), ("opt", "wheels"))
MACHINE_PATHS = ["/".join(("", *parts)) for parts in _PLACES]
SUFFIXES = {".py", ".md", ".toml", ".yml", ".yaml", ".nix", ".sh", ".j2", ".json", ".txt", ".proto", ".cfg", ""}


def _python(root: Path = ROOT) -> list[Path]:
    return [path for path in tracked("*.py") if path.is_relative_to(root) and not path.stem.endswith("_pb2")]


def _texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        if path.suffix in SUFFIXES and path.name not in ("LICENSE", "go.sum"):
            yield str(path.relative_to(ROOT)), path.read_text()


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.relative_to(ROOT)}: {node.name}", (node.end_lineno or 0) - node.lineno + 1


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_no_file_is_too_long() -> None:
    assert {str(path): count for path in _python() if (count := _lines(path)) > FILE_LINES} == {}


def test_no_function_is_too_long() -> None:
    long = {name: count for path in _python() for name, count in _functions(path) if count > FUNCTION_LINES}
    assert long == {}


def test_files_and_functions_are_small_as_a_rule() -> None:
    files = _python(RUNTIME)
    assert statistics.median(_lines(path) for path in files if path.stat().st_size) <= 150
    assert statistics.median(count for path in files for _, count in _functions(path)) <= 10


def test_every_module_says_what_is_in_it() -> None:
    files = [path for path in _python() if path.name != "__init__.py"]
    assert [str(path) for path in files if ast.get_docstring(ast.parse(path.read_text())) is None] == []


def test_most_classes_say_what_they_are() -> None:
    classes = [
        node
        for path in _python(RUNTIME)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    documented = [node for node in classes if ast.get_docstring(node)]
    assert len(documented) >= 0.8 * len(classes)


def test_package_files_hold_no_code() -> None:
    # The package's own one has its docstring and its version.
    files = [path for path in _python() if path.name == "__init__.py" and path != RUNTIME / "orlop" / "__init__.py"]
    assert [str(path) for path in files if path.stat().st_size] == []


def test_no_module_is_a_drawer_for_anything() -> None:
    names = {"helpers", "utils", "util", "common", "misc"}
    assert [str(path) for path in _python() if names & {path.stem, path.parent.name}] == []


def test_unit_tests_mirror_the_package() -> None:
    unit = ROOT / "tests" / "unit"
    folders = {path.parent.relative_to(unit) for path in tracked("tests/unit/*.py")}
    # The collection's plugins and roles stand at the repository's root.
    places = (RUNTIME / "orlop", ROOT)
    assert [str(folder) for folder in folders if not any((place / folder).is_dir() for place in places)] == []


@pytest.mark.parametrize("word", [*HOSTS, *MACHINE_PATHS])
def test_nothing_names_package_hosts_or_one_machine(word: str) -> None:
    assert [name for name, text in _texts() if word in text] == []


def test_the_nix_options_have_the_declarations_schema() -> None:
    """After a change of the configuration or the declaration: orlop node schema >nix/schema.json."""
    text = json.dumps(json_schema(), indent=2) + "\n"
    assert (ROOT / "nix" / "schema.json").read_text() == text, "run: orlop node schema >nix/schema.json"


def test_tests_are_as_long_as_the_source() -> None:
    source = sum(_lines(path) for path in _python(RUNTIME))
    assert sum(_lines(path) for path in _python(ROOT / "tests")) >= source
