"""Which specs of critest do not run here, and why: expected.toml, read for one handler and this machine."""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conformance.critest import Report

FILE = Path(__file__).with_name("expected.toml")


def _apparmor() -> bool:
    try:
        return Path("/sys/module/apparmor/parameters/enabled").read_text().strip() == "Y"
    except OSError:
        return False


def selinux() -> bool:
    """Whether the kernel has SELinux, with which critest registers more specs."""
    return Path("/sys/fs/selinux/enforce").exists()


def _kernel() -> tuple[int, int]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int(minor)


CONDITIONS: dict[str, Callable[[], bool]] = {
    "everywhere": lambda: True,
    "no AppArmor": lambda: not _apparmor(),
    "before Linux 6.3": lambda: _kernel() < (6, 3),
}


def _table() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text())


def registered() -> int:
    """How many specs the pinned release registers."""
    return int(_table()["specs"])


def left_out() -> str:
    """Pattern of the specs that are not started."""
    return "|".join(entry["pattern"] for entry in _table()["left_out"])


def skips(handler: str) -> dict[str, str]:
    """Specs that must be skipped with this handler, with their reasons."""
    return {
        spec: entry["reason"]
        for entry in _table()["skipped"]
        if handler in entry["handlers"] and CONDITIONS[entry["where"]]()
        for spec in entry["specs"]
    }


def complaints(report: Report, handler: str, *, another_build: bool) -> list[str]:
    """All in which a run differs from what is expected; empty when it is right.

    `another_build` of the suite may have other specs: then a listed one may be absent, and the number is free.
    """
    expected, table = skips(handler), _table()
    known = expected.keys() | {name for name in report.skipped if _is_left_out(name, table)}
    lines = [f"failed: {name}: {message}" for name, message in report.failed.items()]
    lines += [f"skipped, but not listed: {name}: {report.skipped[name]}" for name in report.skipped.keys() - known]
    lines += [f"listed as skipped, but it ran: {name}" for name in expected.keys() & report.passed.keys()]
    if not another_build:
        lines += [f"listed, but there is no such spec: {name}" for name in expected.keys() - _all(report)]
        if not selinux() and len(_all(report)) != registered():
            lines.append(f"{len(_all(report))} specs, not {registered()}")
    return lines


def _is_left_out(name: str, table: dict[str, Any]) -> bool:
    return any(entry["pattern"] in name for entry in table["left_out"])


def _all(report: Report) -> set[str]:
    return {*report.passed, *report.failed, *report.skipped}
