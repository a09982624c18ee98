"""Both provisioners' files for many declarations at once: what the Ansible roles would write, and the NixOS module.

Ansible's side is Ansible itself: the expressions that the roles' own tasks hand to the module orlop.node.files, with
the roles' own variables, evaluated by ansible-playbook for one host per declaration. Nix's side is the module,
evaluated by Nix, and its build steps, run.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from orlop.node.exchange import to_nix
from tests.harness import nix

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WRITES = "orlop.node.files"

FACTS = {"ansible.builtin.set_fact": {"ansible_service_mgr": "systemd", "cacheable": True}}
"""What the playbooks gather on such a node, as far as the roles' files depend on it."""

Files = dict[str, str]
"""Content by path."""


def ansible(declarations: Mapping[str, Any], directory: Path) -> dict[str, Files]:
    """Files that the roles would write on a node with systemd, by declaration."""
    directory.mkdir(parents=True)
    inventory = {"all": {"hosts": {name: {"orlop_node": data} for name, data in declarations.items()}}}
    (directory / "inventory.json").write_text(json.dumps(inventory))
    (directory / "play.json").write_text(json.dumps([_play()]))
    told = _run_ansible(directory)
    return {name: {file["path"]: file["content"] for part in told[name] for file in part} for name in declarations}


def nix_module(declarations: Mapping[str, Any], directory: Path) -> tuple[dict[str, Files], dict[str, Any]]:
    """Files that the module would write, and the declarations it made, by declaration."""
    cases = {name: _modules(data) for name, data in declarations.items()}
    reports = nix.reports(cases, directory / "evaluation")
    for name, report in reports.items():
        assert report["failed"] == [], (name, report["failed"])
    files = {name: nix.build(reports[name], directory / name) for name in declarations}
    return files, {name: reports[name]["declaration"] for name in declarations}


def _modules(data: Mapping[str, Any]) -> str:
    """The declaration as the command exports it, with the package of its minor."""
    minor = data.get("kubernetes", "1.37").replace(".", "_")
    package = "" if minor == "1_37" else f"services.orlop.kubernetesPackage = pkgs.kubernetes_{minor};"
    return f"[ {nix.NIX}/modules ({to_nix(data)}) ({{ pkgs, ... }}: {{ {package} }}) ]"


def _play() -> dict[str, Any]:
    roles = [path for path in sorted((ROOT / "roles").iterdir()) if list(_expressions(path))]
    variables = [role / kind / "main.yml" for role in roles for kind in ("defaults", "vars")]
    expressions = [expression for role in roles for expression in _expressions(role)]
    return {
        "hosts": "all",
        "gather_facts": False,
        "connection": "local",
        "vars_files": [str(path) for path in variables if path.is_file()],
        "tasks": [FACTS, {"ansible.builtin.debug": {"msg": expressions}}],
    }


def _expressions(role: Path) -> Iterator[str]:
    """What the role's tasks write: the argument `files` of each call."""
    for path in sorted((role / "tasks").glob("*.yml")):
        for task in _tasks(yaml.safe_load(path.read_text()) or []):
            if WRITES in task:
                yield task[WRITES]["files"]


def _tasks(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        for kind in ("block", "rescue", "always"):
            yield from _tasks(task.get(kind, []))


def _run_ansible(directory: Path) -> dict[str, Any]:
    results = directory / "results.json"
    (directory / "ansible.cfg").write_text("[defaults]\n")
    env = {
        **os.environ,
        "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_HOME": str(directory / "home"),
        "ANSIBLE_LOCAL_TEMP": str(directory / "temporary"),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "plugins" / "callback"),
        "ANSIBLE_STDOUT_CALLBACK": "collect",
        "PARITY_RESULTS": str(results),
        # Python modules that a run of Ansible writes are none of the checkout's.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    playbook = Path(sys.executable).with_name("ansible-playbook")
    argv = [str(playbook), "-i", str(directory / "inventory.json"), str(directory / "play.json")]
    done = subprocess.run(argv, cwd=ROOT, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0 and results.exists(), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(results.read_text())
    return found
