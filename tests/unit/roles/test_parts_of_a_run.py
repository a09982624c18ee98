"""--limit, --tags and serial: what of a playbook is run, asked of Ansible itself. No task touches this machine."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")
CLUSTER = {"first": "control_plane", "second": "worker", "third": "worker"}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Three members of a cluster."""
    hosts = {name: {"orlop_node": {"member": {"role": role}}} for name, role in CLUSTER.items()}
    path = tmp_path / "inventory.yml"
    path.write_text(json.dumps({"all": {"hosts": hosts, "vars": {"ansible_connection": "local"}}}))
    return path


def run(inventory: Path, playbook: Path, *argv: str) -> str:
    """What ansible-playbook prints."""
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(inventory.parent / "home")}
    env |= {"ANSIBLE_STDOUT_CALLBACK": "minimal", "ANSIBLE_NOCOLOR": "1"}
    command = [str(ANSIBLE), "--inventory", str(inventory), str(playbook), *argv]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def play(playbook: str, number: int = 0) -> dict[str, Any]:
    """One play of a playbook."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "playbooks" / playbook).read_text())[number]
    return found


def write(tmp_path: Path, **more: Any) -> Path:
    """A playbook of one play."""
    path = tmp_path / "playbook.yml"
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, **more}]))
    return path


@pytest.mark.parametrize("playbook", sorted(path.name for path in (ROOT / "playbooks").glob("*.yml")))
def test_each_role_has_the_tag_of_its_name(playbook: str) -> None:
    for each in yaml.safe_load((ROOT / "playbooks" / playbook).read_text()):
        for role in each.get("roles", []):
            tags = role["tags"] if isinstance(role["tags"], list) else [role["tags"]]
            assert role["role"].removeprefix("orlop.node.") in tags, role


def test_a_tag_runs_its_role_and_the_checks_before_it(inventory: Path) -> None:
    lines = run(inventory, ROOT / "playbooks/node.yml", "--list-tasks", "--tags", "hardening").splitlines()
    tasks = [line.strip() for line in lines if "TAGS" in line and "arg spec" not in line]
    roles = {task.split(" : ")[0] for task in tasks if " : " in task}
    assert roles == {"orlop.node.preflight", "orlop.node.airgap", "orlop.node.hardening"}
    assert not [task for task in tasks if task.startswith("Remember")], tasks


def test_a_network_by_its_tag_is_waited_for_and_pods_are_brought_over(inventory: Path) -> None:
    """A conflist alone changes nothing for pods that run: their way into it belongs to the same tag."""
    listed = run(inventory, ROOT / "playbooks/network.yml", "--list-tasks", "--tags", "cni_network").splitlines()
    tasks = [line.split("TAGS")[0].strip() for line in listed if "TAGS" in line and "arg spec" not in line]
    roles = {task.split(" : ")[0] for task in tasks if " : " in task}
    assert roles == {"orlop.node.cni_network"}
    after = [task["name"] for task in play("network.yml")["post_tasks"]]
    assert tasks[-len(after) :] == after


def test_a_limit_takes_one_host_of_each_play(inventory: Path) -> None:
    listed = run(inventory, ROOT / "playbooks/site.yml", "--list-hosts", "--limit", "second")
    assert "second" in listed and "first\n" not in listed and "third" not in listed


@pytest.mark.parametrize("role", ["kubernetes", "control_plane", "worker"])
def test_a_limited_run_knows_who_made_the_cluster(inventory: Path, tmp_path: Path, role: str) -> None:
    show = {"ansible.builtin.debug": {"msg": f"made by {{{{ _{role}_first }}}}"}}
    declared = {f"{role}_declaration": "{{ orlop_node }}"}
    files = [str(ROOT / f"roles/{role}/vars/main.yml")]
    playbook = write(tmp_path, vars=declared, vars_files=files, tasks=[show])
    shown = run(inventory, playbook, "--limit", "second")
    assert "made by first" in shown and shown.count("made by") == 1


def test_an_agents_conflist_is_taken_away_where_it_was_moved_to_as_well(inventory: Path, tmp_path: Path) -> None:
    show = {"ansible.builtin.debug": {"msg": "goes: {{ _cni_network_agent.files | join(' ') }} end"}}
    declared = {"cni_network_declaration": {"network": {"provider": "flannel"}}}
    files = [str(ROOT / "roles/cni_network/vars/main.yml")]
    shown = run(inventory, write(tmp_path, vars=declared, vars_files=files, tasks=[show]), "--limit", "second")
    conflist = "/etc/cni/net.d/10-flannel.conflist"
    assert f"goes: /opt/cni/bin/flannel {conflist} {conflist}.aside end" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("argv", "remembered"),
    [
        (("--skip-tags", "molecule-notest,notest"), True),
        (("--tags", "verify"), False),
        (("--skip-tags", "hardening"), False),
    ],
)
@pytest.mark.parametrize(("playbook", "number"), [("node.yml", 0), ("site.yml", -1), ("upgrade.yml", 1)])
def test_only_a_whole_run_is_one_to_go_back_to(
    inventory: Path, tmp_path: Path, playbook: str, number: int, argv: tuple[str, ...], remembered: bool
) -> None:
    """Part of a declaration was applied: remembered as applied, it would be what a later rollback makes whole."""
    (imported,) = play(playbook, number)["post_tasks"]
    tasks = yaml.safe_load((ROOT / "playbooks" / imported["ansible.builtin.import_tasks"]).read_text())
    for task in tasks:
        del task["orlop.node.history"], task["no_log"]
        task |= {"ansible.builtin.debug": {"msg": "remembered"}, "tags": imported["tags"]}
    shown = run(inventory, write(tmp_path, tasks=tasks), "--limit", "first", *argv)
    assert ("remembered" in shown) is remembered, shown


@pytest.mark.parametrize(
    ("more", "order", "counted", "shown_hosts"),
    [((), "aaabbb", 2, ["3", "3"]), (("--extra-vars", "node_batch=1"), "ababab", 6, ["1"] * 5)],
)
def test_hosts_are_made_nodes_at_once_or_in_batches(
    inventory: Path, tmp_path: Path, more: tuple[str, ...], order: str, counted: int, shown_hosts: list[str]
) -> None:
    """And the time of the run's tasks is told, of the five slowest."""
    tasks = [{"ansible.builtin.debug": {"msg": f"step {step}"}} for step in "ab"]
    shown = run(inventory, write(tmp_path, serial=play("node.yml")["serial"], tasks=tasks), *more)
    steps = [line.split("step ")[1][0] for line in shown.splitlines() if "step " in line]
    assert "".join(steps) == order
    assert f"TIME OF TASKS: {counted} tasks on 3 hosts in " in shown
    assert re.findall(r"^ +[0-9]+\.[0-9]{2} s +([0-9]+) hosts  \S", shown, re.MULTILINE) == shown_hosts


def test_an_api_server_that_is_being_replaced_is_asked_again(inventory: Path, tmp_path: Path) -> None:
    """A kubelet of a new minor makes static pods anew: an upgrade's next step found no API server, and failed."""
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        f'#!/bin/sh\necho asked >>{tmp_path}/asked\n[ "$(wc -l <{tmp_path}/asked)" -gt 2 ] && exit\n'
        "echo 'failed to download openapi: connection refused' >&2; exit 1\n"
    )
    kubectl.chmod(0o755)
    asked = {"name": "orlop.node.control_plane", "tasks_from": "objects"}
    playbook = write(tmp_path, tasks=[{"ansible.builtin.include_role": asked}])
    given: dict[str, Any] = {"_control_plane_apply": [str(kubectl)], "_control_plane_delay": 0}
    given["ansible_python_interpreter"] = sys.executable
    run(inventory, playbook, "--limit", "first", "--extra-vars", json.dumps(given))
    assert (tmp_path / "asked").read_text() == "asked\n" * 3
