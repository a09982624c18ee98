"""The files that follow from a declaration: parsed by what reads them, and the same bytes each time."""

import configparser
import json
import tomllib
from typing import Any

import msgspec
import pytest

from orlop.config.schema import Config
from orlop.node import lock
from orlop.node.declaring import declare
from orlop.node.render import RenderedFile, render

UNUSUAL: dict[str, Any] = {
    "kubernetes": "1.35",
    "handlers": {"kata": {"type": "shim", "path": "/opt/kata/shim"}, "crun": {"privileged_without_host_devices": True}},
    "default_handler": "crun",
    "network": {"provider": "bridge", "pod_cidrs": ["10.1.0.0/16", "fd00:1::/64"], "mtu": 1400, "firewall": True},
    "daemon": {
        "registries": {"registry.local:5000": {"plain_http": True}, "a": {"username": 'q"uote', "password": "\x7f\n"}},
        "daemon": {"socket": "/run/x.sock"},
        "network": {"conf_dir": "/etc/other/", "plugin_dirs": ["/a", "/b"]},
        "container": {"default_sysctls": {"net.ipv4.ping_group_range": "0 0"}, "stop_timeout": 2.5},
    },
    "host": {"sysctls": {"kernel.panic": None, "vm.swappiness": 10}, "modules": ["vxlan"]},
}


def rendered(data: dict[str, Any]) -> dict[str, RenderedFile]:
    return {file.path: file for file in render(declare(data))}


@pytest.mark.parametrize("data", [{}, UNUSUAL], ids=["default", "unusual"])
def test_the_daemon_reads_its_file(data: dict[str, Any]) -> None:
    config = msgspec.convert(tomllib.loads(rendered(data)["/etc/orlop/orlop.toml"].content), Config)
    assert config.default_handler == data.get("default_handler", "runc")
    assert set(config.handlers) == set(data.get("handlers", {"runc", "crun"}))


def test_what_was_declared_arrives() -> None:
    config = msgspec.convert(tomllib.loads(rendered(UNUSUAL)["/etc/orlop/orlop.toml"].content), Config)
    assert config.registries["registry.local:5000"].plain_http
    assert (config.registries["a"].username, config.registries["a"].password) == ('q"uote', "\x7f\n")
    assert config.network.plugin_dirs == ("/a", "/b")
    assert config.container.default_sysctls == {"net.ipv4.ping_group_range": "0 0"}
    assert config.container.stop_timeout == 2.5
    assert config.handlers["kata"].type == "shim"


@pytest.mark.parametrize("minor", sorted(lock.load().kubernetes))
def test_the_pause_image_is_the_minors(minor: str) -> None:
    text = rendered({"kubernetes": minor})["/etc/orlop/orlop.toml"].content
    assert tomllib.loads(text)["images"]["pause_image"] == lock.release(minor).images.pause


def test_a_declared_pause_image_wins() -> None:
    text = rendered({"daemon": {"images": {"pause_image": "mirror/pause:1"}}})["/etc/orlop/orlop.toml"].content
    assert tomllib.loads(text)["images"]["pause_image"] == "mirror/pause:1"


def test_a_password_closes_the_file_and_hides_its_difference() -> None:
    assert (rendered({})["/etc/orlop/orlop.toml"].mode, rendered({})["/etc/orlop/orlop.toml"].secret) == ("0644", False)
    file = rendered(UNUSUAL)["/etc/orlop/orlop.toml"]
    assert (file.mode, file.secret) == ("0600", True)


def test_the_conflist_is_where_the_daemon_looks() -> None:
    conflist = json.loads(rendered(UNUSUAL)["/etc/other/10-orlop.conflist"].content)
    assert [plugin["type"] for plugin in conflist["plugins"]] == ["bridge", "portmap", "firewall"]
    assert conflist["plugins"][0]["mtu"] == 1400
    assert [r["dst"] for r in conflist["plugins"][0]["ipam"]["routes"]] == ["0.0.0.0/0", "::/0"]


def test_an_external_network_leaves_the_directory_to_its_owner() -> None:
    assert not [path for path in rendered({"network": {"provider": "external"}}) if path.startswith("/etc/cni")]


def test_sysctls_are_the_nodes_needs_as_changed() -> None:
    lines = rendered(UNUSUAL)["/etc/sysctl.d/60-orlop.conf"].content.splitlines()
    assert "net.ipv4.ip_forward = 1" in lines and "net.ipv6.conf.all.forwarding = 1" in lines
    assert "vm.swappiness = 10" in lines
    assert not [line for line in lines if line.startswith("kernel.panic =")]
    assert lines[1:] == sorted(lines[1:])


def test_modules_are_one_a_line() -> None:
    assert rendered(UNUSUAL)["/etc/modules-load.d/orlop.conf"].content.splitlines()[1:] == [
        "br_netfilter",
        "overlay",
        "vxlan",
    ]


def test_the_unit_lets_containers_outlive_the_daemon() -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # configparser's documented way to keep case
    unit.read_string(rendered({})["/etc/systemd/system/orlop.service"].content)
    service = unit["Service"]
    assert (service["Type"], service["KillMode"], service["Delegate"]) == ("notify", "process", "yes")
    assert service["ExecStart"] == "/opt/orlop/venv/bin/orlopd"
    inherited = {"NoNewPrivileges", "PrivateTmp", "ProtectSystem", "SystemCallFilter", "CapabilityBoundingSet"}
    assert not inherited & set(service)


def test_crictl_finds_the_socket() -> None:
    assert "runtime-endpoint: unix:///run/x.sock" in rendered(UNUSUAL)["/etc/crictl.yaml"].content


def test_another_program_is_the_only_difference_it_makes() -> None:
    ours, theirs = render(declare({})), render(declare({}), program="/store/bin/orlopd")
    assert [a.path for a, b in zip(ours, theirs, strict=True) if a != b] == ["/etc/systemd/system/orlop.service"]


def test_the_order_of_names_does_not_show() -> None:
    assert render(declare(UNUSUAL)) == render(declare(_reversed(UNUSUAL)))


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _reversed(value[name]) for name in reversed(value)}
    return value


def test_a_section_without_settings_does_not_show() -> None:
    said = rendered({"daemon": {"metrics": {}, "registries": {"r": {}}}})["/etc/orlop/orlop.toml"].content
    assert "[metrics]" not in said and "[registries.r]" in said


def test_whole_numbers_are_written_the_same_however_they_came() -> None:
    texts = [
        rendered({"daemon": {"container": {"stop_timeout": n}}})["/etc/orlop/orlop.toml"].content for n in (2, 2.0)
    ]
    assert texts[0] == texts[1]
