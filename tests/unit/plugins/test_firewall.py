"""Firewalls. firewalld's command is a script here that keeps ports and sources in a file."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.plugins.conftest import load

FIREWALL_CMD = """#!/bin/sh
[ "$1" = --state ] && { echo running; exit; }
for option; do
  case $option in
    --list-*) cat KEPT ;;
    --add-*) echo "${option#*=}" >> KEPT ;;
    --remove-*) grep -vx "${option#*=}" KEPT > KEPT.new; mv KEPT.new KEPT ;;
    --zone=bad) exit 1 ;;
  esac
done
"""
PORTS = [
    {"first": 2379, "last": 2380, "protocol": "tcp", "source": "control planes"},
    {"first": 8472, "last": 8472, "protocol": "udp", "source": "members"},
    {"first": 10257, "last": 10257, "protocol": "tcp", "source": "this machine"},
    {"first": 30000, "last": 32767, "protocol": "tcp", "source": "everywhere"},
]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """firewalld runs, and lets 22/tcp in."""
    (tmp_path / "kept").write_text("22/tcp\n")
    (tmp_path / "bin").mkdir()
    script(tmp_path, "firewall-cmd", FIREWALL_CMD.replace("KEPT", str(tmp_path / "kept")))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    make = load("module_utils.record").Record
    monkeypatch.setattr(load("modules.firewall"), "Record", lambda: make(str(tmp_path / "node")))
    return tmp_path


def script(machine: Path, name: str, text: str) -> None:
    (machine / "bin" / name).write_text(text)
    (machine / "bin" / name).chmod(0o755)


def converge(ports: list[dict[str, Any]], *networks: str, check: bool = False, tell: bool = True) -> dict[str, Any]:
    told: list[str] = []
    params = {"networks": list(networks), "open": tell}
    module = SimpleNamespace(params=params, check_mode=check, warn=told.append)
    firewall = load("modules.firewall")
    wanted = [firewall.text(port) for port in ports if firewall.is_of_the_cluster(port)]
    result: dict[str, Any] = firewall.converge(module, wanted)
    return {**result, "warned": told}


def kept(machine: Path) -> list[str]:
    return sorted((machine / "kept").read_text().split())


def test_what_the_cluster_must_reach_is_opened_once_and_closed_by_the_way_back(machine: Path) -> None:
    assert converge(PORTS, "10.1.0.0/16")["changed"]
    assert kept(machine) == ["10.1.0.0/16", "22/tcp", "2379-2380/tcp", "8472/udp"]
    assert not converge(PORTS, "10.1.0.0/16")["changed"]
    record = load("module_utils.record").Record(str(machine / "node"))
    removal = load("module_utils.removal").Removal(record, cgroup_root=str(machine / "none"))
    assert "8472/udp in firewalld" in removal.removed
    removal.carry_out()
    assert kept(machine) == ["22/tcp"]


def test_what_is_no_longer_served_is_closed(machine: Path) -> None:
    converge(PORTS)
    assert converge(PORTS[:1], check=True)["diff"]["before"] == "8472/udp\n"
    assert converge(PORTS[:1])["changed"]
    assert kept(machine) == ["22/tcp", "2379-2380/tcp"]


def test_what_was_open_before_stays_when_we_go(machine: Path) -> None:
    ssh = {"first": 22, "last": 22, "protocol": "tcp", "source": "members"}
    assert not converge([ssh])["changed"]
    assert load("module_utils.record").Record(str(machine / "node")).firewalld == []


def test_a_declaration_that_keeps_firewalld_for_itself_is_only_told(machine: Path) -> None:
    result = converge(PORTS, tell=False)
    assert not result["changed"] and kept(machine) == ["22/tcp"]
    assert "must let in 2379-2380/tcp, 8472/udp" in result["warned"][0]


def test_check_mode_opens_nothing(machine: Path) -> None:
    assert converge(PORTS, check=True)["diff"]["after"] == "2379-2380/tcp\n8472/udp\n"
    assert kept(machine) == ["22/tcp"] and not (machine / "node").exists()


def test_others_are_told_of_in_words(machine: Path) -> None:
    script(machine, "firewall-cmd", "#!/bin/sh\nexit 252\n")
    script(machine, "ufw", "#!/bin/sh\necho 'Status: active'\n")
    assert "ufw allow" in converge(PORTS)["warned"][0]
    script(machine, "ufw", "#!/bin/sh\necho 'Status: inactive'\n")
    chains = '{"nftables": [{"metainfo": {}}, {"chain": {"hook": "input", "policy": "drop"}}]}'
    script(machine, "nft", f"#!/bin/sh\necho '{chains}'\n")
    assert "nftables is active here" in converge(PORTS)["warned"][0]
    script(machine, "nft", "#!/bin/sh\nexit 1\n")
    assert converge(PORTS) == {"changed": False, "firewall": "", "warned": []}


def test_its_own_words_are_told(machine: Path) -> None:
    failing = '#!/bin/sh\n[ "$1" = --state ] && echo running && exit\necho INVALID_PORT >&2; exit 102\n'
    script(machine, "firewall-cmd", failing)
    with pytest.raises(load("module_utils.firewalls").FirewallError, match="INVALID_PORT"):
        converge(PORTS)
