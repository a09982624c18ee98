#!/usr/bin/python
"""Restarts a unit that runs another version of its program than is installed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stale
short_description: Restart a unit that runs another version than is installed
description:
  - Looks which files of the directory the unit's main process has mapped. Where one of them is not of the version that
    the link leads to, the process was started from another one, and the unit is restarted.
  - A unit that does not run is left alone.
options:
  unit:
    description: The unit of systemd.
    type: str
    required: true
  directory:
    description: Where versions are kept side by side.
    type: path
    required: true
  link:
    description: The link that leads to the version in use.
    type: path
    required: true
attributes:
  check_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Run the kubelet that is installed
  orlop.node.stale:
    unit: kubelet.service
    directory: /opt/orlop/kubernetes
    link: /usr/bin/kubelet
"""

RETURN = r"""
stale:
  description: Files of other versions that the unit's process runs.
  returned: always
  type: list
  elements: str
"""

import os

from ansible.module_utils.basic import AnsibleModule


def main():
    """Look, and restart."""
    module = AnsibleModule(
        argument_spec={
            "unit": {"type": "str", "required": True},
            "directory": {"type": "path", "required": True},
            "link": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    unit = module.params["unit"]
    code, output, _ = module.run_command(["systemctl", "show", unit, "--property=MainPID", "--value"])
    pid = output.strip() if code == 0 else "0"
    stale = [] if pid in ("", "0") else others(f"/proc/{pid}/maps", module.params["directory"], module.params["link"])
    if stale and not module.check_mode:
        code, _, error = module.run_command(["systemctl", "restart", unit])
        if code != 0:
            module.fail_json(msg=f"{unit} runs {stale[0]} and cannot be restarted: {error.strip()}")
    module.exit_json(changed=bool(stale), stale=stale)


def others(maps, directory, link):
    """Files below the directory that are mapped and not of the version in use; a process that has gone has none."""
    used = os.path.realpath(link)
    try:
        with open(maps, encoding="utf-8") as opened:
            paths = {line.split(maxsplit=5)[5].strip().removesuffix(" (deleted)") for line in opened if "/" in line}
    except OSError:
        return []
    below = {path for path in paths if path.startswith(f"{os.path.realpath(directory)}/")}
    return sorted(path for path in below if path != used and not path.startswith(f"{used}/"))


if __name__ == "__main__":
    main()
