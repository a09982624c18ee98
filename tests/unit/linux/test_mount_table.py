"""Parsing of mountinfo, and exact mount points."""

import os
from pathlib import Path

import pytest

from orlop.linux import mount_table, mounts

TABLE = r"""21 27 0:20 / /sys rw,nosuid,nodev - sysfs sysfs rw
36 35 98:0 /mn\040x /mn/a\040b\134c\011d rw,noatime shared:5 master:1 propagate_from:2 - ext3 /r\040oot rw,errors=stop
40 35 0:4 net:[4026532281] /run/netns/x rw shared:7 - nsfs nsfs rw
"""


def test_parse_escapes_and_optional_fields() -> None:
    sys, odd, namespace = mount_table.parse(TABLE)
    assert (sys.mount_id, sys.parent_id, sys.device, sys.optional) == (21, 27, "0:20", ())
    assert sys.options == ("rw", "nosuid", "nodev")
    assert odd.root == "/mn x"
    assert odd.mountpoint == "/mn/a b\\c\td"
    assert odd.optional == ("shared:5", "master:1", "propagate_from:2")
    assert (odd.fstype, odd.source, odd.super_options) == ("ext3", "/r oot", ("rw", "errors=stop"))
    assert (namespace.fstype, namespace.root) == ("nsfs", "net:[4026532281]")


def test_own_table_has_proc() -> None:
    assert any(entry.mountpoint == "/proc" and entry.fstype == "proc" for entry in mount_table.mount_table())
    assert mount_table.mount_of("/proc/self").mountpoint == "/proc"


def test_is_mountpoint_without_mounts(tmp_path: Path) -> None:
    assert mount_table.is_mountpoint("/proc")
    assert not mount_table.is_mountpoint(str(tmp_path))
    assert not mount_table.is_mountpoint(str(tmp_path / "none"))
    (tmp_path / "f").touch()
    assert not mount_table.is_mountpoint(str(tmp_path / "f" / "below-a-file"))
    (tmp_path / "link").symlink_to("/proc")
    assert not mount_table.is_mountpoint(str(tmp_path / "link"))


@pytest.mark.root
def test_file_binds_are_mountpoints(tmp_path: Path, private_mounts: None) -> None:
    """A bind of the same filesystem has the parent's device number: only the kernel can tell."""
    for name in ("a", "b"):
        (tmp_path / name).touch()
    mounts.bind(str(tmp_path / "a"), str(tmp_path / "b"))
    assert mount_table.is_mountpoint(str(tmp_path / "b"))
    assert not mount_table.is_mountpoint(str(tmp_path / "a"))


@pytest.mark.root
def test_covered_mounts_and_odd_names(tmp_path: Path, private_mounts: None) -> None:
    target = tmp_path / "a b\\c\nd"
    target.mkdir()
    mounts.tmpfs(str(target), source="below")
    mounts.tmpfs(str(target), source="above")
    entries = [entry for entry in mount_table.mount_table() if entry.mountpoint == str(target)]
    assert [entry.source for entry in entries] == ["below", "above"]
    assert mount_table.mount_of(str(target)).source == "above"


@pytest.mark.root
def test_propagation_of_inner_paths(tmp_path: Path, private_mounts: None) -> None:
    mounts.tmpfs(str(tmp_path))
    (tmp_path / "in" / "side").mkdir(parents=True)
    assert mount_table.propagation_of(str(tmp_path / "in" / "side")) == (str(tmp_path), ())
    mounts.make_shared(str(tmp_path))
    point, optional = mount_table.propagation_of(str(tmp_path / "in"))
    assert point == str(tmp_path)
    assert len(optional) == 1
    assert optional[0].startswith("shared:")
    with pytest.raises(FileNotFoundError, match="none"):
        mount_table.propagation_of(str(tmp_path / "none"))
    assert os.listdir(tmp_path) == ["in"]
