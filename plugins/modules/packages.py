#!/usr/bin/python
"""Installs distribution packages and records exactly which came in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Install distribution packages and record which came in
description:
  - Installs those of the packages that are missing, without recommended ones.
  - Records on the node every package that this brought, those pulled in as well, so that a removal can name them.
  - Unlike M(ansible.builtin.apt) it needs no python3-apt on the node, also in check mode.
  - Names are Debian's; on RHEL and its kin they are taken to that family's, and dnf installs them.
options:
  names:
    description: Packages that must be installed.
    type: list
    elements: str
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
- name: Install the container monitor
  orlop.node.packages:
    names: [conmon]
"""

RETURN = r"""
missing:
  description: Packages of the list that were not installed before.
  returned: always
  type: list
  elements: str
versions:
  description: Installed version of each package of the list.
  returned: always
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils import distribution
from ansible_collections.orlop.node.plugins.module_utils.record import Record


def main():
    """Install what is missing."""
    module = AnsibleModule(
        argument_spec={"names": {"type": "list", "elements": "str", "required": True}}, supports_check_mode=True
    )
    try:
        module.exit_json(**converge(module.params["names"], module.check_mode))
    except distribution.ERRORS as error:
        module.fail_json(msg=str(error))


def converge(names, check_mode):
    """The module's result; without check mode also its doing."""
    family = distribution.packages()
    names = family.named(names)
    before = family.installed()
    missing = sorted(set(names) - before)
    if missing and not check_mode:
        # Recorded also when the installation fails half-way.
        try:
            family.install(missing)
        finally:
            record = Record()
            record.add_packages(family.installed() - before)
            record.save()
    present = sorted(set(names) - set(missing) if check_mode else set(names))
    return {
        "changed": bool(missing),
        "missing": missing,
        "versions": family.versions(present),
        "diff": {"before": "", "after": "".join(f"{name}\n" for name in missing), "after_header": "packages"},
    }


if __name__ == "__main__":
    main()
