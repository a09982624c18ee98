"""Python: style, format and types. The layers' contract is in tests/unit/test_architecture.py."""

from tests.lint.tools import check


def test_ruff_finds_nothing() -> None:
    check("ruff", "check", ".")


def test_every_file_is_formatted() -> None:
    check("ruff", "format", "--check", ".")


def test_types_hold_in_the_package() -> None:
    check("mypy")


def test_types_hold_in_the_harness() -> None:
    check("mypy", "--no-incremental", "-p", "tests.harness")
