"""Every role has the same shape, and its signature says what its defaults say."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from orlop.node.declaring import declare
from orlop.node.plan import plan

ROLES = Path(__file__).resolve().parents[3] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir() if path.is_dir())


def read(role: str, path: str) -> Any:
    """A role's YAML file."""
    return yaml.safe_load((ROLES / role / path).read_text())


def test_there_are_roles() -> None:
    assert {"preflight", "orlop", "verify", "reset"} <= set(NAMES)


@pytest.mark.parametrize("role", NAMES)
def test_the_shape(role: str) -> None:
    for path in ("README.md", "defaults/main.yml", "meta/main.yml", "meta/argument_specs.yml", "tasks/main.yml"):
        assert (ROLES / role / path).is_file(), path


@pytest.mark.parametrize("role", NAMES)
def test_the_signature_is_the_defaults(role: str) -> None:
    options = read(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert {name: option.get("default") for name, option in options.items()} == read(role, "defaults/main.yml")
    for name, option in options.items():
        assert name.startswith(f"{role}_"), "a role's options carry its name"
        assert option["description"], name


@pytest.mark.parametrize(
    ("role", "brought"),
    [("oci_runtime", {"crun", "runc"}), ("conmon", {"conmon"}), ("cni_plugins", {"bridge", "host-local", "loopback"})],
)
def test_the_readmes_example_brings_the_roles_programs_by_digest(role: str, brought: set[str]) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", (ROLES / role / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    made = plan(declare(yaml.safe_load(example)["orlop_node"]))
    for arch in ("amd64", "arm64"):
        fetched = {each.name: each for each in (*made.verified[arch], *made.verified_plugins[arch])}
        assert brought <= fetched.keys()
        assert all(each.sha256 and each.version in each.url and arch in each.url for each in fetched.values())


@pytest.mark.parametrize("role", NAMES)
def test_the_readme_opens_with_the_full_name(role: str) -> None:
    assert (ROLES / role / "README.md").read_text().startswith(f"# orlop.node.{role}\n")


@pytest.mark.parametrize("role", NAMES)
def test_every_variable_of_its_own_is_used(role: str) -> None:
    text = "\n".join(path.read_text() for path in (ROLES / role).rglob("*.yml") if "meta" not in path.parts)
    files = [ROLES / role / "defaults/main.yml", ROLES / role / "vars/main.yml"]
    for name in (name for path in files if path.exists() for name in yaml.safe_load(path.read_text())):
        assert text.count(name) > 1, f"{name} is set and never used"


@pytest.mark.parametrize("role", NAMES)
def test_files_are_not_written_by_hand(role: str) -> None:
    """File contents come from the renderer alone; the one mark is no configuration."""
    tasks = [task for path in (ROLES / role / "tasks").glob("*.yml") for task in flat(yaml.safe_load(path.read_text()))]
    assert not [task for task in tasks if "ansible.builtin.template" in task or "ansible.builtin.lineinfile" in task]
    written = [task["name"] for task in tasks if "content" in task.get("ansible.builtin.copy", {})]
    assert set(written) <= {"Mark the release whole"}


def flat(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tasks with those inside of blocks."""
    inner = [each for task in tasks for part in ("block", "rescue", "always") for each in flat(task.get(part, []))]
    return [*tasks, *inner]
