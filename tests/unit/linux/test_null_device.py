"""A null device that was given to somebody is root's again."""

import os
from pathlib import Path

import pytest

from orlop.linux.null_device import restore

pytestmark = pytest.mark.root


def test_it_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "null"
    path.touch()
    assert not restore(str(path))
    os.chown(path, 1000, 1000)
    path.chmod(0o600)
    assert restore(str(path))
    info = path.stat()
    assert (info.st_uid, info.st_gid, info.st_mode & 0o777) == (0, 0, 0o666)
