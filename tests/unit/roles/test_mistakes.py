"""What a person reads who has made a mistake: which host, which option, what to do. All by one run, in check mode."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
MISTAKES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "misnamed": ({"orlop_nodes": {"kubernetes": "1.36"}}, ["orlop_nodes is no variable", "did you mean orlop_node?"]),
    "unknown": ({"orlop_node": {"netwrok": {}}}, ["(orlop_node) is wrong: netwrok: there is no such", "mean network?"]),
    "deep": (
        {"orlop_node": {"daemon": {"daemon": {"log_levl": "debug"}}}},
        ["daemon.daemon.log_levl: there is no such key; did you mean log_level?"],
    ),
    "typed": (
        {"orlop_node": {"network": {"provider": "bridge", "mtu": "big"}}},
        ["network.mtu: expected int, got str"],
    ),
    "number": ({"orlop_node": {"kubernetes": 1.37}}, ["write the minor in quotes"]),
    "minor": (
        {"orlop_node": {"kubernetes": "1.36", "artefacts": {"kubelet": {"version": "1.35.1"}}}},
        ["artefacts.kubelet.version: 1.35.1 is not of 1.36"],
    ),
    "digest": (
        {"orlop_node": {"kubernetes": "1.36", "artefacts": {"runc": {"version": "9.9.9"}, "crun": {}}}},
        ["no SHA-256 of runc 9.9.9 (https://", "orlop_node as artefacts.runc.sha256", "artefacts.runc.version: 1.4.3"],
    ),
    "programs": (
        {"orlop_node": {"kubernetes": "1.36", "member": {"role": "worker"}, "artefacts": {}}, "version": "1.36.99"},
        ["artefacts.kubelet.sha256", "artefacts.kubectl.sha256", "orlop_kubernetes_install: false"],
    ),
    "kernel": ({"preflight_minimum_kernel": "99.0"}, ["is older than 99.0", "install a newer one"]),
    "python": (
        {"preflight_python": "/nowhere/python3"},
        ["/nowhere/python3 is missing; the daemon needs Python 3.11 or newer", "preflight_python and orlop_python"],
    ),
}


def inventory(directory: Path) -> Path:
    """A host for each mistake, all of them this machine."""
    hosts = {name: dict(wrong) for name, (wrong, _) in MISTAKES.items()}
    version = hosts["programs"].pop("version")
    artefacts = hosts["programs"]["orlop_node"]["artefacts"]
    artefacts |= {name: {"version": version} for name in ("kubelet", "kubeadm", "kubectl")}
    path = directory / "inventory.yml"
    path.write_text(json.dumps({"all": {"hosts": hosts, "vars": LOCAL}}))
    return path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Each host's failure, with blanks for line ends."""
    directory = tmp_path_factory.mktemp("mistakes")
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(directory / "home")}
    env |= {"ANSIBLE_STDOUT_CALLBACK": "oneline", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORKS": "4"}
    argv = [str(ANSIBLE), "--check", "--inventory", str(inventory(directory)), str(ROOT / "playbooks/node.yml")]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "CHANGED" not in done.stdout, done.stdout
    found = {}
    for line in done.stdout.splitlines():
        host, mark, result = line.partition(" | FAILED! => ")
        if mark:
            found[host] = " ".join(json.loads(result)["msg"].split())
    return found


@pytest.mark.root
@pytest.mark.timeout(600)  # the first one waits for the run of all
@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_told_before_anything_is_touched(mistake: str, told: dict[str, str]) -> None:
    for words in MISTAKES[mistake][1]:
        assert words in told[mistake], told[mistake]
