#!/usr/bin/python
"""Moves files of others out of the way, and records from where, so that they can be put back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aside
short_description: Move files of others out of the way
description:
  - Renames each file to a name with C(.aside), which nothing reads.
  - Records it, so that M(orlop.node.undo) gives the file its name back.
options:
  paths:
    description: Files to move; one that is not there is none.
    type: list
    elements: path
    required: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Leave one network in the directory
  orlop.node.aside:
    paths: [/etc/cni/net.d/05-old.conflist]
"""

RETURN = r"""
moved:
  description: Files that were, or in check mode would be, moved.
  returned: always
  type: list
  elements: str
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils.record import Record

ENDING = ".aside"


def main():
    """Look, then move."""
    module = AnsibleModule(
        argument_spec={"paths": {"type": "list", "elements": "path", "required": True}}, supports_check_mode=True
    )
    try:
        module.exit_json(**converge(module.params["paths"], module.check_mode))
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))


def converge(paths, check_mode):
    """The module's result; without check mode also its doing. What is recorded and not yet moved does no harm."""
    there = [path for path in paths if os.path.lexists(path)]
    if there and not check_mode:
        record = Record()
        record.moved.update({path: f"{path}{ENDING}" for path in there})
        record.save()
        for path in there:
            os.replace(path, f"{path}{ENDING}")
    before, after = ("".join(f"{path}{ending}\n" for path in there) for ending in ("", ENDING))
    return {"changed": bool(there), "moved": there, "diff": {"before": before, "after": after}}


if __name__ == "__main__":
    main()
