"""Relabelling, on a kernel that keeps the attribute and judges nothing by it."""

import os
from pathlib import Path

import pytest

from orlop.engine.oci.relabel import ATTRIBUTE, PROTECTED, relabel
from orlop.model.errors import InvalidArgument
from tests.harness import privacy

pytestmark = pytest.mark.root

LABEL = "system_u:object_r:container_file_t:s0:c1,c2"


def _label(path: Path) -> str:
    try:
        return os.getxattr(path, ATTRIBUTE, follow_symlinks=False).decode()
    except OSError:
        return ""


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    volume = tmp_path / "volume"
    (volume / "a/b").mkdir(parents=True)
    (volume / "a/b/file").write_text("x")
    return volume


def test_everything_below_has_the_label_and_nothing_else(volume: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (volume / "a/link").symlink_to(outside)
    relabel(str(volume), LABEL)
    for path in (volume, volume / "a", volume / "a/b", volume / "a/b/file", volume / "a/link"):
        assert _label(path) == f"{LABEL}\0"
    assert (_label(outside), _label(outside / "deep")) == ("", "")


def test_a_label_that_is_there_is_not_written_again(volume: Path) -> None:
    relabel(str(volume), LABEL)
    before = (volume / "a/b/file").stat().st_ctime_ns
    relabel(str(volume), LABEL)
    assert (volume / "a/b/file").stat().st_ctime_ns == before
    relabel(str(volume), "another")
    assert _label(volume / "a/b/file") == "another\0"


def test_a_single_file(volume: Path) -> None:
    relabel(str(volume / "a/b/file"), LABEL)
    assert (_label(volume / "a/b/file"), _label(volume / "a/b")) == (f"{LABEL}\0", "")


def test_another_filesystem_below_is_left_alone(volume: Path) -> None:
    privacy.mount("tmpfs", str(volume / "a/b"), "tmpfs")
    try:
        (volume / "a/b/inner").write_text("x")
        relabel(str(volume), LABEL)
        assert (_label(volume / "a"), _label(volume / "a/b/inner")) == (f"{LABEL}\0", "")
    finally:
        privacy.unmount(str(volume / "a/b"))


def test_what_keeps_no_labels_is_no_error() -> None:
    relabel("/proc/self/status", LABEL)  # EOPNOTSUPP


@pytest.mark.parametrize("path", ["/", "/etc", "/usr", "/var/lib", "/var/lib/kubelet/pods"])
def test_the_nodes_own_directories_are_refused(path: str) -> None:
    assert path in PROTECTED
    with pytest.raises(InvalidArgument, match=f"selinux_relabel: {path} is the node's own"):
        relabel(path, LABEL)
