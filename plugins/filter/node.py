"""Filters that hand a node's declaration to the package's own schema and renderer, the same that Nix calls."""

from __future__ import annotations

import difflib
import hashlib
import json
import sys
from pathlib import Path

from ansible.errors import AnsibleFilterError

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "runtime"
SHARED = ("orlop_node", "orlop_bundle", "orlop_kubernetes_install")
"""Variables of an inventory that several roles take; where one is absent, its default holds, and nobody is told."""
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "requirements/build.txt", "requirements/daemon.txt")


def plan(data):
    """What the roles do for a declaration: files by part, kernel settings, programs, directories."""
    declare, plan_as_data, invalid = _package()
    try:
        # Ansible's strings and mappings are subclasses that carry their origin; the package takes plain ones.
        return plan_as_data(declare(json.loads(json.dumps(data))))
    except (TypeError, invalid) as error:
        raise AnsibleFilterError(f"the node's declaration (orlop_node) is wrong: {error}") from error


def wrong(data):
    """What is wrong with a declaration, in its own terms; empty where nothing is."""
    try:
        plan(data)
    except AnsibleFilterError as error:
        return str(error)
    return ""


def first_control_plane(declarations):
    """The host that makes the cluster, of all hosts' declarations by the host's name."""
    members = {host: (declared or {}).get("member") or {} for host, declared in declarations.items()}
    planes = {host: said for host, said in members.items() if said.get("role") == "control_plane"}
    first = sorted(host for host, said in planes.items() if said.get("first", True))
    if len(first) == 1:
        return first[0]
    if first:
        raise AnsibleFilterError(
            f"{', '.join(first)} each declare to make the cluster:"
            " set member.first to false in orlop_node of all but one"
        )
    raise AnsibleFilterError(
        "no host of the inventory declares to make the cluster: one needs member.role control_plane in its orlop_node,"
        " with member.first true, which is the default"
    )


def skew(target, role, server, node, kubelets):
    """Why a node must not be brought to the version now; an empty list where it may."""
    _package()
    from orlop.node.kubernetes.skew import problems

    try:
        return problems(target, role=role, server=server, node=node, kubelets=kubelets)
    except ValueError as error:
        raise AnsibleFilterError(f"the cluster tells a version that is none: {error}") from error


def misnamed(names):
    """What of a host's variables seems to be meant for one of SHARED and is not spelt so; sentences."""
    own = {line.partition(":")[0] for line in (ROOT / "roles/orlop/defaults/main.yml").read_text().splitlines()}
    absent = [name for name in SHARED if name not in names]
    near = {name: difflib.get_close_matches(name, absent, n=1, cutoff=0.88) for name in sorted(set(names) - own)}
    return [
        f"{name} is no variable of these roles, and {found[0]} is not set: did you mean {found[0]}?"
        for name, found in near.items()
        if found and name not in SHARED
    ]


def source_id(checkout):
    """A short digest of all that a wheel and its environment are built from: another one means another release."""
    root = Path(checkout).resolve()
    found = hashlib.sha256()
    named = [path for path in map(root.joinpath, BUILT_FROM) if path.is_file()]
    for path in sorted([*named, *_sources(root / "runtime")]):
        found.update(f"{path.relative_to(root)}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:12]


def _sources(runtime):
    for path in runtime.rglob("*"):
        made = "__pycache__" in path.parts or path.name.startswith(".") or path.name.endswith(("_pb2.py", "_pb2.pyi"))
        if path.is_file() and not made:
            yield path


def _package():
    """The package of this very checkout or collection, whatever else is installed."""
    if str(RUNTIME) not in sys.path:
        sys.path.insert(0, str(RUNTIME))
    try:
        from orlop.model.errors import InvalidArgument
        from orlop.node.declaring import declare
        from orlop.node.plan import plan_as_data
    except ImportError as error:
        raise AnsibleFilterError(
            f"{error.name} is missing in Ansible's Python ({sys.executable}):"
            " install requirements/ansible.txt there, or use bootstrap.sh"
        ) from error
    return declare, plan_as_data, InvalidArgument


class FilterModule:
    """The filters by name."""

    def filters(self):
        """Names without the collection's."""
        return {
            "plan": plan,
            "wrong": wrong,
            "source_id": source_id,
            "first_control_plane": first_control_plane,
            "skew": skew,
            "misnamed": misnamed,
        }
