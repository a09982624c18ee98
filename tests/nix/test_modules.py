"""The NixOS module: what its options become, held against the node's own schema and renderer.

Evaluated by a small evaluator (evaluate.nix), which needs no nixpkgs; so types of options are not checked here.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orlop.node.declaring import declare
from orlop.node.render import render

HERE = Path(__file__).parent
NIX = HERE.parents[1] / "nix"


def _evaluate(settings: str, directory: Path, *, profile: str = "") -> dict[str, Any]:
    """The module with these settings, a Nix expression of `services.orlop`."""
    modules = f"[ {NIX}/modules {NIX / 'profiles' / profile if profile else ''} ]"
    whole = f"{{ modules = {modules}; settings = {{ services.orlop = {settings}; }}; }}"
    expression = f"import {HERE}/evaluate.nix {whole}"
    argv = ["nix-instantiate", "--eval", "--strict", "--json", "--store", "dummy://", "--expr", expression]
    env = {**os.environ, "NIX_STATE_DIR": str(directory), "NIX_CONF_DIR": str(directory), "HOME": str(directory)}
    done = subprocess.run(argv, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_off_by_default_writes_nothing(tmp_path: Path) -> None:
    result = _evaluate("{ }", tmp_path)
    assert (result["files"], result["units"], result["failed"]) == ([], [], [])


def test_enabled_writes_the_files_that_the_renderer_gives(tmp_path: Path) -> None:
    result = _evaluate("{ enable = true; }", tmp_path)
    rendered = {file.path for file in render(declare(result["declaration"]))}
    units = {f"/etc/systemd/system/{name}.service" for name in result["units"]}
    assert {f"/etc/{name}" for name in result["files"]} | units == rendered
    assert result["failed"] == []


def test_the_defaults_are_the_declarations_own_but_for_the_plugins_place(tmp_path: Path) -> None:
    made = declare(_evaluate("{ enable = true; }", tmp_path)["declaration"])
    daemon = {"network": {"plugin_dirs": ["/opt/cni/bin", "/store/cni-plugins/bin"]}}
    assert made == declare({"daemon": daemon})


def test_settings_arrive_in_the_daemons_file(tmp_path: Path) -> None:
    settings = """{
      enable = true;
      kubernetes = "1.35";
      defaultHandler = "crun";
      network = { provider = "bridge"; pod_cidrs = [ "10.1.0.0/16" ]; };
      host.sysctls."vm.max_map_count" = 262144;
      settings.registries."registry.test:5000".plain_http = true;
    }"""
    files = {file.path: file.content for file in render(declare(_evaluate(settings, tmp_path)["declaration"]))}
    assert 'default_handler = "crun"' in files["/etc/orlop/orlop.toml"]
    assert "pause:3.10.1" in files["/etc/orlop/orlop.toml"]
    assert "registry.test:5000" in files["/etc/orlop/orlop.toml"]
    assert "10.1.0.0/16" in files["/etc/cni/net.d/10-orlop.conflist"]
    assert "262144" in files["/etc/sysctl.d/60-orlop.conf"]


def test_an_external_network_leaves_the_conflists_alone(tmp_path: Path) -> None:
    result = _evaluate('{ enable = true; network.provider = "external"; }', tmp_path)
    assert [name for name in result["files"] if name.startswith("cni/")] == []


def test_the_lab_profile_only_chooses(tmp_path: Path) -> None:
    result = _evaluate("{ }", tmp_path, profile="lab.nix")
    assert result["declaration"]["daemon"]["daemon"] == {"log_level": "debug"}
    assert result["units"] == ["orlop"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('defaultHandler = "kata";', ["services.orlop.defaultHandler", "kata"]),
        ('settings.registries.r.password = "x";', ["services.orlop.settings.registries", "conf.d"]),
        ('settings.default_handler = "crun";', ["services.orlop.defaultHandler"]),
    ],
)
def test_assertions_speak_in_options_names(tmp_path: Path, settings: str, words: list[str]) -> None:
    (message,) = _evaluate(f"{{ enable = true; {settings} }}", tmp_path)["failed"]
    for word in words:
        assert word in message
