"""Every minor × family of distributions × network × handler × part in a cluster: each file is parsed by its format.

Debian's and RHEL's families get the same bytes, for the roles hand no family to the renderer; what roles take
differently is in tests/unit/roles/test_families.py. NixOS has its programs in the store.
"""

import configparser
import itertools
import json
import re
import tomllib
from typing import Any

import msgspec
import pytest
import yaml

from orlop.config.schema import Config
from orlop.node import lock
from orlop.node.declaring import declare
from orlop.node.plan import plan
from orlop.node.render import KUBELET, PROGRAM, render
from orlop.node.rendered import RenderedFile

MINORS = sorted(lock.load().kubernetes)
NETWORKS: dict[str, dict[str, Any]] = {
    "bridge": {"provider": "bridge", "pod_cidrs": ["10.1.0.0/16", "fd00:1::/64"]},
    "external": {"provider": "external"},
    "flannel": {"provider": "flannel"},
    "cilium": {"provider": "cilium"},
    "weave": {"provider": "weave", "unmaintained": True},
}
HANDLERS: dict[str, dict[str, Any]] = {
    "runc": {"runc": {}},
    "crun": {"crun": {}},
    "shim-runc": {"shim-runc": {"type": "shim", "path": "/usr/bin/containerd-shim-runc-v2"}},
    "kata": {"kata": {"type": "shim", "path": "/opt/kata/bin/containerd-shim-kata-v2"}},
    "kata-rust": {"kata-rust": {"type": "shim", "path": "/opt/kata/runtime-rs/bin/containerd-shim-kata-v2"}},
}
PARTS: dict[str, dict[str, Any]] = {
    "alone": {"role": "none"},
    "control plane": {"role": "control_plane"},
    "worker": {"role": "worker", "discovery_file": "/etc/kubernetes/discovery.conf"},
}
STORE = "/nix/store/00000000000000000000000000000000-orlop/bin"
FAMILIES = {
    "Debian and RHEL": (PROGRAM, KUBELET),
    "NixOS": (f"{STORE}/orlopd", f"{STORE}/kubelet"),
}
HARDENING = {"host": {"hardening": {"core_dumps": True, "kubelet": True, "rare_modules": True, "redirects": True}}}


def parse(file: RenderedFile) -> object:
    """What reads it finds in it. Raises where it is malformed."""
    name, text = file.path.rpartition("/")[2], file.content
    if name.endswith(".toml"):
        return tomllib.loads(text)
    if name.endswith(".conflist"):
        return json.loads(text)
    if "/systemd/" in file.path:
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.read_string(text)
        return unit.sections()
    if "sysctl.d" in file.path:
        return rows(text, r"[a-z][A-Za-z0-9_./-]+ = \S.*")
    if "modules-load.d" in file.path:
        return rows(text, r"[A-Za-z0-9_-]+")
    if "modprobe.d" in file.path:
        return rows(text, r"install [a-z0-9]+ /bin/false")
    return list(yaml.safe_load_all(text))


def rows(text: str, form: str) -> list[str]:
    """Lines that are no comments, each of the form."""
    found = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(form, line) for line in found), found
    return found


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_file_is_well_formed(minor: str, family: str, network: str) -> None:
    program, kubelet = FAMILIES[family]
    for handler, part, hard in itertools.product(HANDLERS, PARTS, ({}, HARDENING)):
        data = {"kubernetes": minor, "network": NETWORKS[network], "default_handler": handler, **hard}
        declared = declare({**data, "handlers": HANDLERS[handler], "member": PARTS[part]})
        files = render(declared, program=program, kubelet=kubelet)
        units = {file.path.rpartition("/")[2]: file.content for file in files if "/systemd/" in file.path}
        assert f"ExecStart={program}\n" in units["orlop.service"]
        assert part == "alone" or f"ExecStart={kubelet}" in units["kubelet.service"]
        assert len({file.path for file in files}) == len(files)
        for file in files:
            assert parse(file), (handler, part, file.path)
            assert file.content.endswith("\n") and "{{" not in file.content, file.path


def test_the_daemons_file_is_one_that_it_takes() -> None:
    for minor, handler in itertools.product(MINORS, HANDLERS):
        data = {"kubernetes": minor, "handlers": HANDLERS[handler], "default_handler": handler}
        files = {file.path: file for file in plan(declare(data)).files["daemon"]}
        assert msgspec.convert(tomllib.loads(files["/etc/orlop/orlop.toml"].content), Config).default_handler == handler
