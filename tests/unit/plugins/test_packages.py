"""Packages: only what is missing is installed, and what came in with it is recorded. apt is a script that records."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.conftest import load

DPKG_QUERY = """#!/bin/sh
while read -r name; do echo "installed $name"; done < {state}
"""
APT_GET = """#!/bin/sh
echo "$*" >> {log}
case "$*" in
  *update) touch {lists} ;;
  *install*) [ -e {lists} ] || {{ echo "E: Unable to locate package" >&2; exit 100; }}
             printf 'conmon\\nlibglib\\n' >> {state} ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Has the package base, and no package lists yet."""
    places = {name: tmp_path / name for name in ("state", "log", "lists")}
    (tmp_path / "state").write_text("base\n")
    (tmp_path / "bin").mkdir()
    for name, text in {"dpkg-query": DPKG_QUERY, "apt-get": APT_GET}.items():
        (tmp_path / "bin" / name).write_text(text.format(**places))
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    make = load("module_utils.record").Record
    monkeypatch.setattr(load("modules.packages"), "Record", lambda: make(str(tmp_path / "node")))
    monkeypatch.setattr(load("module_utils.debian"), "versions", lambda names: {})
    monkeypatch.setattr(load("module_utils.distribution"), "packages", lambda: load("module_utils.debian"))
    return tmp_path


def converge(*names: str, check: bool = False) -> dict[str, Any]:
    result: dict[str, Any] = load("modules.packages").converge(list(names), check)
    return result


def test_lists_are_fetched_where_they_are_missing_and_all_that_came_is_recorded(machine: Path) -> None:
    result = converge("base", "conmon")
    assert (result["changed"], result["missing"]) == (True, ["conmon"])
    assert [line.split()[-1] for line in (machine / "log").read_text().splitlines()] == ["conmon", "update", "conmon"]
    assert load("module_utils.record").Record(str(machine / "node")).packages == ["conmon", "libglib"]


def test_what_is_there_asks_nobody(machine: Path) -> None:
    assert not converge("base")["changed"]
    assert not (machine / "log").exists()


def test_check_mode_asks_nobody(machine: Path) -> None:
    assert converge("conmon", check=True)["missing"] == ["conmon"]
    assert not (machine / "log").exists() and not (machine / "node").exists()


def test_a_failure_has_apts_own_words(machine: Path) -> None:
    debian = load("module_utils.debian")
    (machine / "bin/apt-get").write_text("#!/bin/sh\necho 'E: no such thing' >&2; exit 100\n")
    with pytest.raises(debian.PackageError, match=r"(?s)no such thing.*orlop_bundle"):
        converge("conmon")


@pytest.mark.parametrize("place", ["usr/bin", "bin"])
def test_programs_that_are_unpacked_aside_are_below_bin(tmp_path: Path, place: str) -> None:
    """Debian 13 has busybox in /usr/bin, Debian 12 in /bin: there the proof of a node did not find it."""
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / "usr/bin").mkdir(parents=True, exist_ok=True)
    (tmp_path / place / "busybox").touch()
    load("module_utils.debian").merge(str(tmp_path))
    assert (tmp_path / "bin/busybox").is_file()
