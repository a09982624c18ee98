#!/usr/bin/python
"""Builds the daemon's wheel from a checkout, once, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wheel
short_description: Build the daemon's wheel from a checkout
description:
  - Builds a wheel from a copy of the checkout, so that the checkout itself stays as it is.
  - The tools of the build are those of C(requirements/build.txt), checked by their digests; they are removed again.
  - Runs where the checkout is, so on the controller.
options:
  python:
    description: An interpreter that has pip.
    type: path
    required: true
  source:
    description: The checkout.
    type: path
    required: true
  directory:
    description: Where the wheel is kept; a wheel that is there already is taken as it is.
    type: path
    required: true
attributes:
  check_mode:
    support: none
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Build the wheel
  orlop.node.wheel:
    python: "{{ ansible_playbook_python }}"
    source: "{{ playbook_dir | dirname }}"
    directory: "{{ playbook_dir | dirname }}/dist/{{ playbook_dir | dirname | orlop.node.source_id }}"
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: The wheel.
  returned: success
  type: str
"""

import glob
import os
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule

PARTS = ("runtime", "pyproject.toml", "README.md", "LICENSE")


def main():
    """Build it unless it is there."""
    module = AnsibleModule(
        argument_spec={name: {"type": "path", "required": True} for name in ("python", "source", "directory")}
    )
    directory = module.params["directory"]
    if found := wheels(directory):
        module.exit_json(changed=False, path=found[0])
    try:
        with tempfile.TemporaryDirectory(prefix="orlop-build-") as scratch:
            built = build(module, module.params["source"], scratch)
            os.makedirs(directory, exist_ok=True)
            path = os.path.join(directory, os.path.basename(built))
            # By rename, so that half a wheel is never taken for one.
            shutil.copyfile(built, f"{path}.part")
            os.replace(f"{path}.part", path)
    except OSError as error:
        module.fail_json(msg=f"cannot build the wheel: {error}")
    module.exit_json(changed=True, path=path)


def build(module, source, scratch):
    """Path of a new wheel below scratch."""
    for part in PARTS:
        copy(os.path.join(source, part), os.path.join(scratch, "source", part))
    tools, made = os.path.join(scratch, "tools"), os.path.join(scratch, "made")
    locked = os.path.join(source, "requirements", "build.txt")
    pip(module, ["install", "--require-hashes", "--target", tools, "-r", locked])
    # Without isolation: pip would else fetch newer tools than the locked ones, unchecked.
    argv = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", made, os.path.join(scratch, "source")]
    pip(module, argv, {"PYTHONPATH": tools})
    return wheels(made)[0]


def copy(source, target):
    """A file or a tree, without what was made from it."""
    if os.path.isdir(source):
        ignored = shutil.ignore_patterns("__pycache__", "*_pb2.py", "*_pb2.pyi", ".*")
        shutil.copytree(source, target, ignore=ignored)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)


def pip(module, argv, environment=None):
    """The interpreter's own pip, configured as the machine configures it."""
    command = [module.params["python"], "-m", "pip", "--disable-pip-version-check", "--no-input", *argv]
    code, output, error = module.run_command(
        command, environ_update={"PIP_ROOT_USER_ACTION": "ignore", **(environment or {})}
    )
    if code != 0:
        told = "\n".join((output + error).strip().splitlines()[-15:])
        module.fail_json(msg=f"cannot build the wheel: {' '.join(command)} ended with {code}:\n{told}")


def wheels(directory):
    """Wheels in a directory."""
    return sorted(glob.glob(os.path.join(glob.escape(directory), "*.whl")))


if __name__ == "__main__":
    main()
