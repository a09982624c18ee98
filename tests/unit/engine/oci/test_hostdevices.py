"""Device nodes of the host."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from orlop.engine.oci.hostdevices import devices_for
from orlop.engine.oci.inputs import ResolvedDevice
from orlop.model.container import ContainerConfig, Device, LinuxContainerConfig
from orlop.model.errors import InvalidArgument
from orlop.model.security import LinuxContainerSecurityContext

PRIVILEGED = LinuxContainerConfig(security_context=LinuxContainerSecurityContext(privileged=True))


def found(*devices: Device, **fields: Any) -> dict[str, ResolvedDevice]:
    return {device.path: device for device in devices_for(ContainerConfig(devices=devices), **fields)}


def node(path: Path, major: int, minor: int, kind: int = stat.S_IFCHR, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(path, kind | mode, os.makedev(major, minor))


def test_one_device() -> None:
    device = found(Device(host_path="/dev/null", container_path="/dev/nil", permissions="rw"))["/dev/nil"]
    assert (device.kind, device.major, device.minor, device.mode, device.access) == ("c", 1, 3, 0o666, "rw")


def test_defaults_are_the_hosts_path_and_all_permissions() -> None:
    assert found(Device(host_path="/dev/zero"))["/dev/zero"].access == "rwm"


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (Device(host_path="/dev/no-such"), "'/dev/no-such'.*No such file"),
        (Device(host_path="/dev/\0"), "NUL"),
        (Device(host_path="/proc/version"), "neither a device node"),
        (Device(host_path="/dev/null", permissions="rx"), "permissions.*'rx'"),
        (Device(host_path="/dev/null", container_path="nil"), "container_path"),
    ],
)
def test_what_is_no_device(device: Device, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        found(device)


@pytest.mark.root
def test_a_directory_of_devices(tmp_path: Path) -> None:
    node(tmp_path / "snd/b", 116, 1)
    node(tmp_path / "snd/deep/a", 116, 2, stat.S_IFBLK, 0o640)
    (tmp_path / "snd/loop").symlink_to("..")
    (tmp_path / "snd/file").touch()
    devices = found(Device(host_path=str(tmp_path / "snd"), container_path="/dev/snd", permissions="r"))
    assert devices.keys() == {"/dev/snd/b", "/dev/snd/deep/a"}
    deep = devices["/dev/snd/deep/a"]
    assert (deep.kind, deep.major, deep.minor, deep.mode, deep.access) == ("b", 116, 2, 0o640, "r")


@pytest.mark.root
def test_privileged_has_all_but_what_the_container_makes_itself(tmp_path: Path) -> None:
    for name in ("kmsg", "net/tun", "pts/0", "shm/x", "ptmx", "console"):
        node(tmp_path / name, 1, 11)
    (tmp_path / "stdin").symlink_to("/proc/self/fd/0")
    config = ContainerConfig(linux=PRIVILEGED)
    paths = [device.path for device in devices_for(config, dev=str(tmp_path))]
    assert paths == ["/dev/kmsg", "/dev/net/tun"]
    assert devices_for(config, all_when_privileged=False, dev=str(tmp_path)) == ()
