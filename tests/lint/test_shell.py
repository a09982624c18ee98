"""Shell scripts: shellcheck finds nothing."""

from tests.lint.tools import ROOT, check, tracked


def test_shellcheck_finds_nothing() -> None:
    scripts = [path for path in tracked() if _is_shell(path.read_bytes()[:64])]
    assert ROOT / "test.sh" in scripts
    check("shellcheck", *map(str, scripts))


def _is_shell(start: bytes) -> bool:
    first = start.partition(b"\n")[0]
    return first.startswith(b"#!") and first.rstrip().endswith((b"/sh", b"/bash"))
