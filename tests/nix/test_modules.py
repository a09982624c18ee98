"""The NixOS module: what its options become, which mistakes it refuses and in which words.

Evaluated by the module evaluator in tests/nix/nixpkgs/lib, and by nixpkgs' own where NIXPKGS_LIB names its `lib`.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from orlop.node import nix as nix_language
from orlop.node.declaring import declare
from orlop.node.exchange import to_nix
from orlop.node.render import render
from tests.harness import nix

EXAMPLES = sorted((nix.NIX / "examples").glob("*.nix"))
PROFILES = sorted(path.stem for path in (nix.NIX / "profiles").glob("*.nix"))
WORKER = 'member = { role = "worker"; discovery_file = "/etc/d.conf"; };'

CASES = {
    "off": nix.modules("{ }"),
    "off with settings": nix.modules(f'{{ kubernetes = "1.36"; {WORKER} }}'),
    "on": nix.modules("{ enable = true; }"),
    "settings": nix.modules(
        """{
          enable = true;
          kubernetes = "1.35";
          defaultHandler = "crun";
          network = { provider = "bridge"; pod_cidrs = [ "10.1.0.0/16" ]; };
          host.sysctls = { "vm.max_map_count" = 262144; "kernel.panic" = null; };
          settings.registries."registry.test:5000".plain_http = true;
          settings.container.stop_timeout = 2.5;
        }"""
    ),
    "external": nix.modules('{ enable = true; network.provider = "external"; }'),
    **{
        name: nix.modules(f"{{ enable = true; network = {{ {words} }}; }}")
        for name, words in {
            "flannel": 'provider = "flannel"; backend = "host-gw";',
            "cilium": 'provider = "cilium"; operators = 1;',
            "weave": 'provider = "weave"; unmaintained = true;',
        }.items()
    },
    "flannel's worker": nix.modules(f'{{ enable = true; network.provider = "flannel"; {WORKER} }}'),
    "worker": nix.modules(
        f"{{ enable = true; {WORKER} kubelet.maxPods = 7; kubelet.authentication.webhook.enabled = true; }}"
    ),
    "another minor": nix.modules(
        f'{{ enable = true; kubernetes = "1.36"; {WORKER} }}',
        more=("({ pkgs, ... }: { services.orlop.kubernetesPackage = pkgs.kubernetes_1_36; })"),
    ),
    "stronger": nix.modules(
        '{ enable = true; settings.daemon.log_level = "debug"; }',
        more='({ lib, ... }: { services.orlop.settings.daemon.log_level = lib.mkForce "error"; })',
    ),
    "own plugins": nix.modules('{ enable = true; settings.network.plugin_dirs = [ "/p" ]; }'),
    "off after all": nix.modules(
        "{ }", profile="lab", more="({ lib, ... }: { services.orlop.enable = lib.mkForce false; })"
    ),
    **{f"profile {name}": nix.modules("{ }", profile=name) for name in PROFILES},
    **{f"example {path.stem}": f"[ {nix.NIX}/modules {path} ]" for path in EXAMPLES},
}

ASSERTIONS = {
    'defaultHandler = "kata";': ["services.orlop.defaultHandler", "kata", "services.orlop.handlers"],
    'settings.registries.r.password = "x";': ["services.orlop.settings.registries", "conf.d"],
    'settings.default_handler = "crun";': [
        "services.orlop.settings has default_handler",
        "services.orlop.defaultHandler",
    ],
    'network = { provider = "external"; mtu = 3; };': ["services.orlop.network.mtu", "services.orlop.network.provider"],
    "host.hardening.private_files = true;": ["services.orlop.host.hardening.private_files", "store"],
    "host.firewalld = false;": ["services.orlop.host.firewalld", "networking.firewall"],
    'settings.network.conf_dir = "/var/cni";': ["services.orlop.settings.network.conf_dir", "/var/cni"],
    'member = { role = "worker"; token = "abcdef.0123456789abcdef"; };': [
        "services.orlop.member.token",
        "discovery_file",
    ],
    f"{WORKER} member.bind_port = 1;": ["services.orlop.member.bind_port", "services.orlop.member.role"],
    f'{WORKER} kubernetes = "1.35";': ["services.orlop.kubernetesPackage is 1.37.1", "1.35"],
}

MISTAKES = {
    "{ enable = true; netwrok = { }; }": ["services.orlop.netwrok", "does not exist"],
    "{ enable = true; network.pod_cidr = [ ]; }": ["services.orlop.network.pod_cidr", "does not exist"],
    '{ enable = "yes"; }': ["services.orlop.enable", "is not of type", "boolean"],
    '{ enable = true; settings.daemon.log_level = "loud"; }': ["services.orlop.settings.daemon.log_level", "warning"],
    "{ enable = true; network.mtu = 70000; }": ["services.orlop.network.mtu", "at most 65535"],
    '{ enable = true; kubernetes = "1.2"; }': ["services.orlop.kubernetes", "1.35"],
    '{ enable = true; network.interface = "much-too-long-a-name"; }': [
        "services.orlop.network.interface",
        "is not of type",
    ],
    "{ declaration = { }; }": ["services.orlop.declaration", "read-only"],
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return nix.reports(CASES, tmp_path_factory.mktemp("cases"))


def paths(report: dict[str, Any]) -> set[str]:
    return {f"/etc/{name}" for name in report["etc"]}


@pytest.mark.parametrize("case", ["off", "off with settings", "off after all"])
def test_off_writes_nothing(found: dict[str, Any], case: str) -> None:
    report = found[case]
    for part in ("etc", "services", "packages", "tmpfiles", "steps", "failed"):
        assert not report[part], part


@pytest.mark.parametrize("case", [name for name in CASES if not name.startswith("off")])
def test_enabled_writes_every_file_that_the_renderer_gives(found: dict[str, Any], case: str) -> None:
    report = found[case]
    assert report["failed"] == []
    rendered = {file.path for file in render(declare(report["declaration"]))}
    assert paths(report) == {path for path in rendered if not path.startswith("/etc/systemd/")}
    units = {path.rpartition("/")[2].removesuffix(".service") for path in rendered if path.endswith(".service")}
    started = {name for name, service in report["services"].items() if service["wantedBy"]}
    assert started == units


def test_the_defaults_are_the_declarations_own_but_for_the_plugins_place(found: dict[str, Any]) -> None:
    daemon = {"network": {"plugin_dirs": ["/opt/cni/bin", "/store/cni-plugins/bin"]}}
    assert declare(found["on"]["declaration"]) == declare({"daemon": daemon})


def test_settings_arrive_in_the_declaration_and_nothing_else_does(found: dict[str, Any]) -> None:
    assert found["settings"]["declaration"] == {
        "kubernetes": "1.35",
        "handlers": {"crun": {}, "runc": {}},
        "default_handler": "crun",
        "network": {"provider": "bridge", "pod_cidrs": ["10.1.0.0/16"]},
        "member": {"role": "none"},
        "host": {"sysctls": {"vm.max_map_count": 262144, "kernel.panic": None}},
        "daemon": {
            "container": {"stop_timeout": 2.5},
            "network": {"plugin_dirs": ["/opt/cni/bin", "/store/cni-plugins/bin"]},
            "registries": {"registry.test:5000": {"plain_http": True}},
        },
    }


def test_an_external_network_leaves_the_conflists_to_others(found: dict[str, Any]) -> None:
    report = found["external"]
    assert [path for path in paths(report) if path.startswith("/etc/cni")] == []
    assert "d /etc/cni/net.d 0755 root root -" in report["tmpfiles"]
    assert not any("/opt/cni/bin" in rule and rule[0] != "d" for rule in report["tmpfiles"])  # never emptied


def test_networks_with_agents_have_the_file_for_the_cluster_and_no_conflist(found: dict[str, Any]) -> None:
    for provider in ("flannel", "cilium", "weave"):
        assert f"/etc/orlop/network/{provider}.yaml" in paths(found[provider])
        assert [path for path in paths(found[provider]) if path.startswith("/etc/cni")] == []
    assert not any("/etc/orlop/network" in path for path in paths(found["flannel's worker"]))


def test_plugins_of_daemonsets_and_of_the_store_are_both_found(found: dict[str, Any]) -> None:
    assert found["on"]["declaration"]["daemon"]["network"]["plugin_dirs"][0] == "/opt/cni/bin"
    assert found["own plugins"]["declaration"]["daemon"]["network"]["plugin_dirs"] == ["/p"]


def test_only_a_member_has_a_kubelet(found: dict[str, Any]) -> None:
    assert "kubelet" not in found["on"]["services"]
    report = found["worker"]
    assert report["declaration"]["kubelet"] == {"maxPods": 7, "authentication": {"webhook": {"enabled": True}}}
    assert "/store/iptables" in report["services"]["kubelet"]["path"]
    assert "/store/kubernetes" in report["packages"]
    assert "--kubelet /store/kubernetes/bin/kubelet" in report["steps"][0]["script"]


def test_a_changed_file_restarts_what_reads_it(found: dict[str, Any]) -> None:
    services = found["worker"]["services"]
    for name in ("orlop", "kubelet", "systemd-sysctl", "systemd-modules-load"):
        assert any(trigger.startswith("/store/orlop-node") for trigger in services[name]["restartTriggers"]), name


def test_a_stronger_definition_wins(found: dict[str, Any]) -> None:
    assert found["stronger"]["declaration"]["daemon"]["daemon"] == {"log_level": "error"}


def test_profiles_only_choose(found: dict[str, Any]) -> None:
    assert PROFILES == ["control-plane", "lab", "worker"]
    assert found["profile lab"]["declaration"]["daemon"]["daemon"] == {"log_level": "debug"}
    assert found["profile control-plane"]["declaration"]["member"] == {"role": "control_plane"}
    assert 6443 in found["profile control-plane"]["ports"] and 6443 not in found["profile worker"]["ports"]
    assert found["profile worker"]["declaration"]["network"] == {"provider": "external"}


def test_assertions_speak_in_options_names(tmp_path: Path) -> None:
    reports = nix.reports({text: nix.modules(f"{{ enable = true; {text} }}") for text in ASSERTIONS}, tmp_path)
    swap = nix.reports(
        {"swap": nix.modules(f"{{ enable = true; {WORKER} }}", more="{ swapDevices = [ 1 ]; }")}, tmp_path
    )
    assert "services.orlop.kubelet.failSwapOn" in swap["swap"]["failed"][0]
    for text, words in ASSERTIONS.items():
        (message,) = reports[text]["failed"]
        assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_refused_with_the_options_name(tmp_path: Path, text: str) -> None:
    done = nix.evaluate({"wrong": nix.modules(text)}, tmp_path)
    assert done.returncode != 0, done.stdout
    assert [word for word in MISTAKES[text] if word not in done.stderr] == [], done.stderr


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            'settings.daemon.log_levle = "debug";',
            "daemon.daemon.log_levle: there is no such key; did you mean log_level?",
        ),
        (f"{WORKER} kubelet.maxPod = 3;", "kubelet.maxPod: there is no such key; did you mean maxPods?"),
        (f'{WORKER} kubelet.cgroupDriver = "x";', "kubelet.cgroupDriver: follows the daemon"),
        (
            'settings.cgroup = { driver = "systemd"; default_parent = "/x"; };',
            "cgroup.default_parent: '/x': the systemd driver needs the name of a slice",
        ),
    ],
)
def test_what_the_free_form_lets_through_fails_the_build(tmp_path: Path, settings: str, told: str) -> None:
    report = nix.reports({"typo": nix.modules(f"{{ enable = true; {settings} }}")}, tmp_path)["typo"]
    with pytest.raises(AssertionError) as caught:
        nix.build(report, tmp_path / "build")
    assert told in str(caught.value)


def test_the_exported_form_of_a_declaration_is_a_module(tmp_path: Path) -> None:
    data = {"kubernetes": "1.36", "host": {"modules": ["vxlan"]}, "daemon": {"network": {"plugin_dirs": ["/a"]}}}
    report = nix.reports({"exported": f"[ {nix.NIX}/modules ({to_nix(data)}) ]"}, tmp_path)["exported"]
    assert declare(report["declaration"]) == declare(data)


def test_every_pattern_of_the_schema_is_one_for_nix(tmp_path: Path) -> None:
    patterns = sorted(set(_patterns(json.loads((nix.NIX / "schema.json").read_text()))))
    assert patterns and not [pattern for pattern in patterns if "\\d" in pattern or "(?" in pattern or "\\w" in pattern]
    written = nix_language.dumps([pattern.removeprefix("^").removesuffix("$") for pattern in patterns])
    expression = f'map (pattern: builtins.match pattern "x" == null) {written}'
    done = nix.run(
        ["nix-instantiate", "--eval", "--strict", "--json", "--store", "dummy://", "-"], tmp_path, stdin=expression
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not os.environ.get("NIXPKGS_LIB"), reason="NIXPKGS_LIB names no checkout of nixpkgs' lib")
def test_nixpkgs_evaluator_makes_the_same(tmp_path: Path, found: dict[str, Any]) -> None:
    """Only the order of lists from several modules differs."""
    theirs = nix.reports(CASES, tmp_path, lib=os.environ["NIXPKGS_LIB"])
    assert _in_order(theirs) == _in_order(found)
    for text, words in MISTAKES.items():
        done = nix.evaluate({"wrong": nix.modules(text)}, tmp_path, lib=os.environ["NIXPKGS_LIB"])
        assert done.returncode != 0 and not [word for word in words if word not in done.stderr], done.stderr


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_order(item) for name, item in value.items()}
    return sorted(map(str, value)) if isinstance(value, list) else value


def _patterns(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["pattern"]] if isinstance(part.get("pattern"), str) else []
        return own + [found for item in part.values() for found in _patterns(item)]
    return [found for item in part for found in _patterns(item)] if isinstance(part, list) else []
