#!/usr/bin/python
"""Notes what a release of the daemon will be on the node, and looks in the same round trip for what is there of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Note a release of the daemon on the node, and look what is there of it
description:
  - A release is named after what it is built from and the Python whose virtual environment it is.
  - Notes in the node's record what belongs to the daemon, so that M(orlop.node.undo) can take it away.
  - Tells which releases are there, which one is in use, and whether the daemon's unit runs.
options:
  source:
    description: Digest of what the release is built from, as P(orlop.node.source_id#filter) gives it.
    type: str
    required: true
  python:
    description: The interpreter that the release is made with.
    type: path
    required: true
  home:
    description: Below it are C(releases), C(incoming), and the link C(venv).
    type: path
    required: true
  command:
    description: Link in the path that leads to the command of the release in use.
    type: path
    required: true
  trees:
    description: Directories that are the daemon's alone.
    type: list
    elements: path
    default: []
  unit:
    description: The daemon's unit of systemd; empty where systemd does not run.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Look for the release
  orlop.node.release:
    source: "{{ '/root/orlop' | orlop.node.source_id }}"
    python: /usr/bin/python3
    home: /opt/orlop
    command: /usr/local/bin/orlop
"""

RETURN = r"""
name:
  description: The release's name.
  returned: always
  type: str
complete:
  description: Whether it is installed to its end.
  returned: always
  type: bool
installed:
  description: Whether a daemon of any release is in use.
  returned: always
  type: bool
others:
  description: Directories of other releases, the newest first.
  returned: always
  type: list
  elements: path
links:
  description: Targets of C(venv) and of the command, empty where there is no link.
  returned: always
  type: dict
runs:
  description: Whether the unit runs now and starts at boot.
  returned: always
  type: bool
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils.known import python
from ansible_collections.orlop.node.plugins.module_utils.record import Record


def main():
    """Look and note."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "str", "required": True},
            "python": {"type": "path", "required": True},
            "home": {"type": "path", "required": True},
            "command": {"type": "path", "required": True},
            "trees": {"type": "list", "elements": "path", "default": []},
            "unit": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    params = module.params
    version = python(params["python"])
    if not version and not module.check_mode:  # there its package may be one that would be installed
        module.fail_json(msg=f"{params['python']} is missing or does not run: name another one as orlop_python")
    try:
        found = look(params["home"], params["command"], f"{params['source']}-py{version or '3'}")
        if not module.check_mode:
            note(Record(), params, found["name"])
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, runs=runs(module, params["unit"]), **found)


def look(home, command, name):
    """What is there of the release and beside it."""
    releases = os.path.join(home, "releases")
    try:
        found = [entry for entry in os.scandir(releases) if entry.is_dir() and entry.name != name]
    except FileNotFoundError:
        found = []
    return {
        "name": name,
        "complete": os.path.exists(os.path.join(releases, name, ".complete")),
        "installed": os.path.exists(os.path.join(home, "venv", "bin", "orlopd")),
        "others": [entry.path for entry in sorted(found, key=lambda each: -each.stat().st_mtime)],
        "links": {"venv": target(os.path.join(home, "venv")), "command": target(command)},
    }


def note(record, params, name):
    """What will be ours; home is not ours alone: bootstrap.sh keeps Ansible there."""
    home = params["home"]
    for path in params["trees"]:
        record.add_tree(path)
    record.trees = sorted({*record.trees, os.path.join(home, "incoming"), os.path.join(home, "releases")})
    if not os.path.isdir(home):
        record.directories = list(dict.fromkeys([*record.directories, home]))
    record.links[os.path.join(home, "venv")] = f"releases/{name}"
    record.links[params["command"]] = os.path.join(home, "venv", "bin", "orlop")
    record.units = sorted({*record.units, params["unit"]} - {""})
    record.save()


def target(path):
    """Where a link leads, as it says it."""
    return os.readlink(path) if os.path.islink(path) else ""


def runs(module, unit):
    """Whether systemd says that the unit is active and enabled."""
    if not unit:
        return False
    code, output, _ = module.run_command(["systemctl", "show", unit, "--property=ActiveState,UnitFileState"])
    return code == 0 and {"ActiveState=active", "UnitFileState=enabled"} <= set(output.split())


if __name__ == "__main__":
    main()
