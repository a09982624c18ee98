"""Roles and playbooks: yamllint, and ansible-lint's strictest profile."""

from pathlib import Path

import pytest

from tests.lint.tools import check


def test_yamllint_finds_nothing() -> None:
    check("yamllint", "--strict", ".")


@pytest.mark.timeout(900)  # half a minute, on a machine that does nothing else
def test_ansible_lint_is_content(tmp_path: Path) -> None:
    # Offline: no Galaxy server is asked for collections; none but our own is needed.
    check("ansible-lint", "--offline", "--profile", "production", "--strict", env={"ANSIBLE_HOME": str(tmp_path)})
