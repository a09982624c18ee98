"""Who owns the pod network."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from orlop.verify.preflight.conflists import look
from orlop.verify.preflight.finding import Finding, State


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("net.d", "bin"):
        (tmp_path / name).mkdir(mode=0o755)
    return tmp_path


def install(place: Path, *kinds: str) -> None:
    for kind in kinds:
        (place / "bin" / kind).write_text("#!/bin/sh\n")
        (place / "bin" / kind).chmod(0o755)


def network(place: Path, file: str, name: str, *plugins: dict[str, Any]) -> None:
    content = {"cniVersion": "1.0.0", "name": name, "plugins": list(plugins)}
    (place / "net.d" / file).write_text(json.dumps(content))


def found(place: Path, default: str = "") -> dict[str, Finding]:
    return {each.name: each for each in look(str(place / "net.d"), default, [str(place / "bin")])}


def test_one_network_is_well(place: Path) -> None:
    install(place, "bridge", "host-local")
    network(place, "10-one.conflist", "one", {"type": "bridge", "ipam": {"type": "host-local"}})
    told = found(place)
    assert {each.state for each in told.values() if each.name != "CNI directory"} == {State.OK}
    assert "10-one.conflist (network one) is used" in told["conflists"].detail
    # A directory of another distribution, which is not here, is no finding.
    assert list(look(str(place / "net.d"), "", [str(place / "bin"), "/nonexistent"])) == list(told.values())


def test_a_conflist_of_another_is_told(place: Path) -> None:
    install(place, "bridge")
    network(place, "05-cilium.conflist", "cilium", {"type": "bridge"})
    network(place, "10-flannel.conflist", "cbr0", {"type": "bridge"})
    told = found(place)["conflists"]
    assert told.state is State.WARNING
    assert "05-cilium.conflist (network cilium) is used; 10-flannel.conflist would be" in told.detail
    assert "10-flannel.conflist (network cbr0) is used; 05-cilium.conflist" in found(place, "cbr0")["conflists"].detail


@pytest.mark.parametrize(
    ("plugin", "absent"),
    [
        ({"type": "bridge", "ipam": {"type": "host-local"}}, "host-local"),
        ({"type": "flannel"}, "bridge, host-local"),
        ({"type": "bridge", "ipam": 3}, "bridge"),
    ],
)
def test_plugins_that_are_run_by_others_are_missed_too(place: Path, plugin: dict[str, Any], absent: str) -> None:
    if absent != "bridge":
        install(place, plugin["type"])
    network(place, "10-one.conflist", "one", plugin)
    told = found(place)["CNI plugins"]
    assert (told.state, told.detail) == (State.MISSING, f"{absent}: in none of {place}/bin")


@pytest.mark.root
def test_a_place_that_others_can_write_to(place: Path) -> None:
    assert "CNI directory" not in found(place)
    (place / "bin").chmod(0o775)
    assert "mode 0775" in found(place)["CNI directory"].detail
    (place / "bin").chmod(0o755)
    os.chown(place / "bin", 1000, 0)
    assert "uid 1000" in found(place)["CNI directory"].detail


def test_without_a_network_nothing_is_said_here(place: Path) -> None:
    assert [each for each in found(place).values() if each.name != "CNI directory"] == []


def test_a_malformed_one_is_told(place: Path) -> None:
    (place / "net.d" / "10-broken.conflist").write_text("{")
    (told,) = (each for each in found(place).values() if each.name != "CNI directory")
    assert told.state is State.WARNING and "10-broken.conflist" in told.detail


def test_what_was_moved_aside_is_shown(place: Path) -> None:
    install(place, "bridge", "cilium-cni")
    network(place, "10-one.conflist", "one", {"type": "bridge"})
    network(place, "05-old.conflist.aside", "old", {"type": "bridge"})
    told = found(place)["conflists aside"]
    assert told.state is State.OK and "05-old.conflist.aside" in told.detail


def test_ciliums_renaming_is_well_only_where_cilium_is_the_network(place: Path) -> None:
    install(place, "bridge", "cilium-cni")
    network(place, "10-one.conflist.cilium_bak", "one", {"type": "bridge"})
    assert "rename what is wanted back" in found(place)["conflists aside"].remedy
    network(place, "05-cilium.conflist", "cilium", {"type": "cilium-cni"})
    assert found(place)["conflists aside"].state is State.OK
