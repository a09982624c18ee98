#!/usr/bin/python
"""Takes away what the node's record names, and the record with it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: undo
short_description: Take away everything that the node's record names
description:
  - Removes files, directories and trees that were written, and restores files and kernel parameters that were changed.
  - A file that someone else changed since is moved aside to a name with C(.kept), not removed.
  - A tree below which something is mounted is refused, before anything is removed.
  - Distribution packages stay; RV(packages) names those that came in.
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Take everything away
  orlop.node.undo:
"""

RETURN = r"""
removed:
  description: What was taken away.
  returned: always
  type: list
  elements: str
restored:
  description: Files and kernel parameters that have their former content again.
  returned: always
  type: list
  elements: str
kept:
  description: Files that someone else had changed, by their new names.
  returned: always
  type: list
  elements: str
packages:
  description: Distribution packages that came in and stay.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils.record import Record
from ansible_collections.orlop.node.plugins.module_utils.removal import Refused, Removal


def main():
    """Plan, then do."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    try:
        removal = Removal(Record())
        removal.check()
        if not module.check_mode:
            removal.carry_out()
    except (OSError, ValueError, Refused) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(removal.removed or removal.restored or removal.kept),
        removed=removal.removed,
        restored=removal.restored,
        kept=removal.kept,
        packages=removal.packages,
        diff={"before": "".join(f"{path}\n" for path in removal.removed), "after": "", "before_header": "on the node"},
    )


if __name__ == "__main__":
    main()
