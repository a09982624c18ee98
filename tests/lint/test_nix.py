"""Nix: every file parses. What the modules mean is in tests/unit/nix."""

from tests.lint.tools import check, tracked


def test_every_nix_file_parses() -> None:
    files = tracked("*.nix")
    assert files, "the repository has Nix files"
    check("nix-instantiate", "--parse", *map(str, files), env={"NIX_STATE_DIR": "/nonexistent"})
