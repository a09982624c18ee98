#!/usr/bin/python
"""Remembers on the node which declarations it has had, and tells which one it can go back to."""

from __future__ import annotations

DOCUMENTATION = r"""
module: history
short_description: Remember which declarations a node has had
description:
  - Keeps beside the node's record the declaration that a run attempts, and the last ten that were applied to the end.
  - Remembering is no change of the node.
options:
  state:
    description:
      - V(attempted) at the beginning of a run, V(applied) at its end.
      - V(back) changes nothing and returns RV(declaration).
    type: str
    choices: [attempted, applied, back]
    required: true
  kubernetes:
    description: The declaration's minor, its default filled in. Needed unless O(state=back).
    type: str
  declaration:
    description: The declaration as it was given. Needed unless O(state=back).
    type: dict
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Remember what was applied
  orlop.node.history:
    state: applied
    kubernetes: "1.37"
    declaration: "{{ orlop_node }}"
"""

RETURN = r"""
declaration:
  description: The newest applied declaration that differs from what the last run attempted.
  returned: with state=back
  type: dict
kubernetes:
  description: Its minor.
  returned: with state=back
  type: str
at:
  description: When it was applied, in UTC.
  returned: with state=back
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils.history import History, NoWayBack


def main():
    """Remember, or tell."""
    given = ["kubernetes", "declaration"]
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["attempted", "applied", "back"], "required": True},
            "kubernetes": {"type": "str"},
            "declaration": {"type": "dict"},
        },
        required_if=[("state", "attempted", given), ("state", "applied", given)],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**carry_out(History(), module.params, module.check_mode))
    except (OSError, ValueError, NoWayBack) as error:
        module.fail_json(msg=str(error))


def carry_out(history, params, check_mode):
    """The module's result; without check mode also its doing."""
    if params["state"] == "back":
        return {"changed": False, **history.way_back()}
    if not check_mode:
        remember = history.attempt if params["state"] == "attempted" else history.apply
        remember(params["kubernetes"], params["declaration"])
    return {"changed": False}


if __name__ == "__main__":
    main()
