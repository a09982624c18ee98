#!/usr/bin/python
"""Loads kernel modules, or finds their work in the kernel already."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_modules
short_description: Load kernel modules that are not there yet
description:
  - Loads all modules in one round trip; the file that loads them at boot is written by M(orlop.node.files).
  - What is built into the kernel counts as loaded.
  - A module that cannot be loaded, as in a container, is reported with a warning.
options:
  names:
    description: Modules to load.
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
- name: Load what pods need
  orlop.node.kernel_modules:
    names: [overlay, br_netfilter]
"""

RETURN = r"""
unavailable:
  description: Modules that could not be loaded, with the reason.
  returned: always
  type: dict
"""

import os

from ansible.module_utils.basic import AnsibleModule

SIGNS = {
    "br_netfilter": "/proc/sys/net/bridge",
    "nf_conntrack": "/proc/sys/net/netfilter/nf_conntrack_max",
}
"""Where the work of a module shows itself, built in or not."""


def main():
    """Load what is missing."""
    module = AnsibleModule(
        argument_spec={"names": {"type": "list", "elements": "str", "required": True}}, supports_check_mode=True
    )
    loaded, unavailable = [], {}
    modprobe = module.get_bin_path("modprobe")
    for name in module.params["names"]:
        if present(name):
            continue
        why = why_not(module, modprobe, name)
        if why:
            unavailable[name] = why
            module.warn(f"kernel module {name} is not loaded: {why}")
        else:
            loaded.append(name)
    module.exit_json(
        changed=bool(loaded),
        unavailable=unavailable,
        diff={"before": "", "after": "".join(f"{name}\n" for name in loaded), "after_header": "kernel modules"},
    )


def why_not(module, modprobe, name):
    """Load it, in check mode only ask; the reason where that cannot be done."""
    if modprobe is None:
        return "there is no modprobe here; where this is a machine of its own, install kmod"
    code, _, error = module.run_command([modprobe, "--dry-run" if module.check_mode else "--quiet", name])
    return "" if code == 0 else (error.strip() or "modprobe finds no such module for the running kernel")


def present(name):
    """Whether the kernel has it, as a module or built in."""
    if os.path.isdir(f"/sys/module/{name.replace('-', '_')}") or os.path.exists(SIGNS.get(name, "")):
        return True
    with open("/proc/filesystems", encoding="utf-8") as opened:
        return name in {line.split()[-1] for line in opened}


if __name__ == "__main__":
    main()
