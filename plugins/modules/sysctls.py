#!/usr/bin/python
"""Sets kernel parameters in the running kernel and records what they were."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sysctls
short_description: Set kernel parameters in the running kernel
description:
  - Sets all parameters in one round trip; the file that keeps them over a reboot is written by M(orlop.node.files).
  - A parameter that the kernel does not have or does not let be set, as in a container, is reported with a warning.
  - Records the value that each parameter had, so that M(orlop.node.undo) can restore it.
options:
  values:
    description: Value by name.
    type: dict
    required: true
  required:
    description: Names that must hold; if one cannot be set the module fails.
    type: list
    elements: str
    default: []
  exclusive:
    description:
      - Whether these are all that the roles set; a parameter that an earlier run set and that is no longer among them
        gets the value back that it had before.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Let the kernel forward
  orlop.node.sysctls:
    values:
      net.ipv4.ip_forward: "1"
    required: [net.ipv4.ip_forward]
"""

RETURN = r"""
unavailable:
  description: Parameters that could not be set, with the reason.
  returned: always
  type: dict
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils.record import Record

ROOT = "/proc/sys"


def main():
    """Compare, then set."""
    module = AnsibleModule(
        argument_spec={
            "values": {"type": "dict", "required": True},
            "required": {"type": "list", "elements": "str", "default": []},
            "exclusive": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    result = converge(module.params["values"], module.check_mode, exclusive=module.params["exclusive"])
    lost = sorted(set(result["unavailable"]) & set(module.params["required"]))
    if lost:
        told = "; ".join(f"{name}: {result['unavailable'][name]}" for name in lost)
        module.fail_json(msg=f"a node cannot do without these kernel parameters: {told}", **result)
    for name, reason in sorted(result["unavailable"].items()):
        module.warn(f"{name} stays as it is: {reason}")
    module.exit_json(**result)


def converge(values, check_mode, exclusive=False):
    """The module's result; without check mode also its doing."""
    record = Record()
    dropped = {name: value for name, value in record.sysctls.items() if exclusive and name not in values}
    values = {**dropped, **values}
    before, after, unavailable = {}, {}, {}
    for name, wanted in sorted(values.items()):
        try:
            present = read(name)
            if present == normal(wanted):
                continue
            if not check_mode:
                write(name, str(wanted))
                record.sysctls.setdefault(name, present)
            elif not may_write(name):
                raise PermissionError(30, "Read-only file system")
        except OSError as error:
            unavailable[name] = reason(error)
            continue
        before[name], after[name] = present, normal(wanted)
    for name in dropped.keys() - unavailable.keys():
        del record.sysctls[name]
    if not check_mode:
        record.save()
    return {
        "changed": bool(after),
        "unavailable": unavailable,
        "diff": {"before": text(before), "after": text(after), "before_header": "sysctl", "after_header": "sysctl"},
    }


def path_of(name):
    """A name has dots, or slashes where a part of it holds dots itself."""
    return os.path.join(ROOT, name if "/" in name else name.replace(".", "/"))


def read(name):
    """The present value."""
    with open(path_of(name), encoding="utf-8") as opened:
        return normal(opened.read())


def write(name, value):
    """Set it in the running kernel."""
    with open(path_of(name), "w", encoding="utf-8") as opened:
        # A write of nothing is no write: an empty value is set by its line end.
        opened.write(value + "\n")


def may_write(name):
    """Whether the file system of the parameter can be written; the kernel may still refuse a value."""
    return os.access(path_of(name), os.W_OK)


def normal(value):
    """One blank between parts: the kernel answers with tabs."""
    return " ".join(str(value).split())


def reason(error):
    """Why, in words that say what to do where something can be done."""
    if isinstance(error, FileNotFoundError):
        return "the running kernel does not have it (a module that brings it may not be loaded)"
    return f"the kernel does not let it be set here ({error.strerror})"


def text(values):
    """As lines for a difference."""
    return "".join(f"{name} = {value}\n" for name, value in values.items())


if __name__ == "__main__":
    main()
