#!/usr/bin/python
"""Notes in the node's record what other modules than our own wrote."""

from __future__ import annotations

DOCUMENTATION = r"""
module: record
short_description: Note on the node what was made there
description:
  - Notes directories that are made by programs, so that M(orlop.node.undo) can take them away.
  - A directory that already holds something of someone else is not noted, and named in RV(foreign).
options:
  trees:
    description: Directories that will be the node's alone and are removed whole.
    type: list
    elements: path
    default: []
  own:
    description: Like O(trees), for places that nobody but these roles ever writes; what they hold does not matter.
    type: list
    elements: path
    default: []
  directories:
    description: Directories that are removed only when they are empty, if they are not there yet.
    type: list
    elements: path
    default: []
  make:
    description: Make O(directories) as well, owned by root and written by nobody else.
    type: bool
    default: false
  links:
    description: Symbolic links, target by path.
    type: dict
    default: {}
  interfaces:
    description: Network interfaces that plugins make and do not take away themselves.
    type: list
    elements: str
    default: []
  made:
    description: Files that a network's agent makes at run time and does not take away itself.
    type: list
    elements: path
    default: []
  units:
    description: Units of systemd that are stopped and disabled.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Note where the daemon keeps its state
  orlop.node.record:
    trees: [/var/lib/orlop, /run/orlop]
"""

RETURN = r"""
foreign:
  description: Trees that hold something else and will stay.
  returned: always
  type: list
  elements: str
"""

import os
import stat

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils.record import Record


def main():
    """Note; that the record changes is no change of the node, but a directory that is made is one."""
    module = AnsibleModule(
        argument_spec={
            "trees": {"type": "list", "elements": "path", "default": []},
            "own": {"type": "list", "elements": "path", "default": []},
            "directories": {"type": "list", "elements": "path", "default": []},
            "make": {"type": "bool", "default": False},
            "links": {"type": "dict", "default": {}},
            "interfaces": {"type": "list", "elements": "str", "default": []},
            "made": {"type": "list", "elements": "path", "default": []},
            "units": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        record = Record()
        foreign = note(record, module.params)
        if not module.check_mode:
            record.save()
        made = make(module.params["directories"], module.check_mode) if module.params["make"] else []
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(made), foreign=foreign, diff=made)


def make(directories, check_mode):
    """What of the directories is, or in check mode would be, made or mended: a difference for each."""
    differences = []
    for path in directories:
        before, after = state_of(path), "owner 0:0, mode 0755\n"
        if before == after:
            continue
        differences.append({"before_header": path, "after_header": path, "before": before, "after": after})
        if not check_mode:
            os.makedirs(path, exist_ok=True)
            os.chown(path, 0, 0)
            os.chmod(path, 0o755)
    return differences


def state_of(path):
    """Owner and mode of a directory; empty where there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return ""
    if not stat.S_ISDIR(found.st_mode):
        raise ValueError(f"{path} is not a directory: move it away")
    return f"owner {found.st_uid}:{found.st_gid}, mode {stat.S_IMODE(found.st_mode):04o}\n"


def note(record, params):
    """Add to what is known; returns the trees that hold something else."""
    foreign = [path for path in params["trees"] if not record.add_tree(path)]
    record.trees = sorted({*record.trees, *params["own"]})
    new = [path for path in params["directories"] if not os.path.isdir(path)]
    record.directories = list(dict.fromkeys([*record.directories, *new]))
    record.links.update(params["links"])
    record.interfaces = sorted({*record.interfaces, *params["interfaces"]})
    record.made = sorted({*record.made, *params["made"]})
    record.units = sorted({*record.units, *params["units"]})
    return foreign


if __name__ == "__main__":
    main()
