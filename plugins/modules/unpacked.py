#!/usr/bin/python
"""Unpacks distribution packages into a directory, without installing them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unpacked
short_description: Unpack distribution packages aside, without installing them
description:
  - Fetches packages and unpacks their files below a directory.
  - Nothing is installed, no service starts, nothing is recorded.
  - For programs that are needed for a moment; the caller removes the directory.
options:
  names:
    description: Packages.
    type: list
    elements: str
    required: true
  directory:
    description: Where to unpack them; must exist.
    type: path
    required: true
attributes:
  check_mode:
    support: none
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Have a registry for a minute
  orlop.node.unpacked:
    names: [docker-registry]
    directory: /tmp/tools
"""

RETURN = r"""
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils import distribution


def main():
    """Fetch and unpack."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "directory": {"type": "path", "required": True},
        }
    )
    try:
        family = distribution.packages()
        family.unpack(family.named(module.params["names"]), module.params["directory"])
    except (OSError, *distribution.ERRORS) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
