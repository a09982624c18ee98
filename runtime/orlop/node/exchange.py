"""A declaration as the two provisioners write it: Ansible's variable orlop_node, and the options services.orlop.

Only names differ between them, and how data is written; nothing is filled in and nothing is lost on the way. Option
names are those of nix/modules. Reading Ansible's needs PyYAML, which Ansible brings; reading Nix's needs Nix.
"""

import json
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from orlop.model.errors import InvalidArgument
from orlop.node import nix, yaml

VARIABLE = "orlop_node"
OPTIONS = {"default_handler": "defaultHandler", "runtime_classes": "runtimeClasses", "daemon": "settings"}
"""Names of the declaration that the options have in another form."""
NOT_DECLARED = ("enable", "package", "kubernetesPackage")
"""Options that say nothing of the declaration."""


def from_json(text: str) -> dict[str, Any]:
    """A declaration as JSON."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"the declaration is no JSON object: {error}") from error


def to_json(data: Mapping[str, Any]) -> str:
    """A declaration as JSON."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def from_ansible(text: str) -> dict[str, Any]:
    """The variable orlop_node of a file of variables."""
    try:
        import yaml as pyyaml
    except ImportError as error:
        raise InvalidArgument("reading YAML needs PyYAML in this Python, as Ansible's own has it") from error
    try:
        found = pyyaml.safe_load(text)
    except pyyaml.YAMLError as error:
        raise InvalidArgument(f"the variables are no YAML: {error}") from error
    return _part(found, VARIABLE, VARIABLE)


def to_ansible(data: Mapping[str, Any]) -> str:
    """A file of variables with orlop_node."""
    return f"---\n{yaml.dumps({VARIABLE: data})}"


def from_nix(text: str) -> dict[str, Any]:
    """The options services.orlop of a module that is plain data, or a function that needs no argument for them."""
    argv = ["nix-instantiate", "--eval", "--strict", "--json", "-E", _READ.replace("MODULE", text)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise InvalidArgument("reading a Nix module needs nix-instantiate, which is not here") from error
    if done.returncode != 0:
        raise InvalidArgument(f"Nix cannot evaluate the module: {done.stderr.strip()}")
    options = _part(msgspec.json.decode(done.stdout), "orlop", "services.orlop")
    names = {option: name for name, option in OPTIONS.items()}
    return {names.get(option, option): value for option, value in options.items() if option not in NOT_DECLARED}


def to_nix(data: Mapping[str, Any]) -> str:
    """A NixOS module that sets the same."""
    options = {OPTIONS.get(name, name): value for name, value in data.items()}
    try:
        return nix.dumps({"services": {"orlop": {"enable": True, **options}}}) + "\n"
    except ValueError as error:
        raise InvalidArgument(str(error)) from error


READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "json": from_json,
    "ansible": from_ansible,
    "nix": from_nix,
}
WRITERS: dict[str, Callable[[Mapping[str, Any]], str]] = {"json": to_json, "ansible": to_ansible, "nix": to_nix}

_READ = "let module = MODULE; in (if builtins.isFunction module then module { } else module).services"


def _part(found: object, name: str, told: str) -> dict[str, Any]:
    part = found.get(name) if isinstance(found, dict) else None
    if not isinstance(part, dict):
        raise InvalidArgument(f"there is no {told} in it, or it is no table")
    return part
