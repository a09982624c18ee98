"""Whether a unit runs another version than the installed one, asked of a process that does."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.plugins.conftest import load


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two versions of a program; the first is in use."""
    for name in ("kubelet-1", "kubelet-2"):
        shutil.copy("/bin/sleep", tmp_path / name)
    (tmp_path / "link").symlink_to(tmp_path / "kubelet-1")
    return tmp_path


def test_a_process_of_the_version_before_is_stale_even_when_its_file_is_gone(store: Path) -> None:
    others = load("modules.stale").others
    with subprocess.Popen([store / "link", "300"]) as process:
        try:
            maps, link = f"/proc/{process.pid}/maps", str(store / "link")
            assert others(maps, str(store), link) == []
            (store / "link").unlink()
            (store / "link").symlink_to(store / "kubelet-2")
            assert others(maps, str(store), link) == [str(store / "kubelet-1")]
            (store / "kubelet-1").unlink()
            assert others(maps, str(store), link) == [str(store / "kubelet-1")]
        finally:
            process.kill()
    assert others(maps, str(store), link) == []
