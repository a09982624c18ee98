"""Places that a node needs."""

import dataclasses
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orlop.config.schema import Config
from orlop.engine.storage import layer_mounts
from orlop.linux.mount_table import mount_of
from orlop.verify.preflight import places
from orlop.verify.preflight.finding import Finding, State


def look(**tables: Any) -> dict[str, Finding]:
    """What is found with such a configuration, by name."""
    return {each.name: each for each in places.look(msgspec.convert(tables, Config))}


def pretend(monkeypatch: pytest.MonkeyPatch, filesystem: str) -> None:
    """Everything is on that filesystem."""
    found = dataclasses.replace(mount_of("/"), fstype=filesystem)
    monkeypatch.setattr(places, "mount_of", lambda _: found)


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = look(streaming={"port": port}, metrics={"address": f"127.0.0.1:{port}"})
    assert found["streaming port"].state is found["metrics port"].state is State.WARNING
    assert "Address already in use" in found["metrics port"].detail
    assert found["streaming port"].remedy == "end what uses it, or set streaming.port"


def test_a_state_directory_that_survives_a_reboot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for filesystem, state in (("tmpfs", State.OK), ("ext4", State.WARNING)):
        pretend(monkeypatch, filesystem)
        assert look(daemon={"state_dir": f"{tmp_path}/not/yet"})["state directory"].state is state


@pytest.mark.parametrize(
    ("filesystem", "state"),
    [("ext4", State.OK), ("overlay", State.MISSING), ("nfs", State.MISSING), ("tmpfs", State.WARNING)],
)
def test_where_layers_can_be_written(
    filesystem: str, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, filesystem)
    monkeypatch.setattr(places, "ROOM", 0)
    assert look(daemon={"root_dir": str(tmp_path)})["root directory"].state is state


def test_packed_layers_are_tried_only_where_they_are_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = {"root_dir": f"{tmp_path}/not/yet"}
    assert "packed layers" not in look(daemon=daemon)
    monkeypatch.setattr(places, "why_not", lambda place: f"not in {place}")
    found = look(daemon=daemon, images={"layers": "erofs"})["packed layers"]
    assert (found.state, found.detail) == (State.WARNING, f"not in {tmp_path}: layers are unpacked")


@pytest.mark.root
def test_packed_layers_are_what_the_kernel_says(tmp_path: Path) -> None:
    found = look(daemon={"root_dir": str(tmp_path)}, images={"layers": "erofs"})["packed layers"]
    assert (found.state is State.OK) == (layer_mounts.why_not(str(tmp_path)) == "")
    assert not list(tmp_path.iterdir())


def test_a_socket_that_is_left_over(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert look(daemon={"socket": str(path)})["socket"].detail == f"{path} is left over and will be replaced"
    assert look(daemon={"socket": f"{tmp_path}/none"})["socket"].detail == f"{tmp_path}/none is free"


async def test_a_network_that_is_not_there(tmp_path: Path) -> None:
    network = {"conf_dir": str(tmp_path), "cache_dir": f"{tmp_path}/cache"}
    [found] = await places.network(msgspec.convert({"network": network}, Config))
    assert found.state is State.MISSING
    assert str(tmp_path) in found.detail and "put a conflist into" in found.remedy


async def test_a_network_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "cni").mkdir()
    (tmp_path / "cni/10-x.conflist").write_text('{"cniVersion": "1.0.0", "name": "x", "plugins": [{"type": "noop"}]}')
    plugin = tmp_path / "noop"
    plugin.write_text("#!/bin/sh\nexit 0\n")
    plugin.chmod(0o755)
    network = {"conf_dir": f"{tmp_path}/cni", "plugin_dirs": [str(tmp_path)], "cache_dir": f"{tmp_path}/cache"}
    [found] = await places.network(msgspec.convert({"network": network}, Config))
    assert found.state is State.OK
