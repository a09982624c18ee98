#!/usr/bin/python
"""Gives SELinux the contexts of the daemon's places, on machines that have it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: selinux
short_description: Give SELinux the contexts of the daemon's places
description:
  - Says once that a place is like one that the policy knows, as images' layers below C(/var/lib/orlop) are like those
    below C(/var/lib/containers/storage/overlay), or of what type a program is, and labels what is there.
  - Where SELinux is off or not there, does nothing.
  - Records what it said, so that M(orlop.node.undo) can take it back.
options:
  like:
    description: Place that the policy knows, by place of ours.
    type: dict
    default: {}
  types:
    description: Type by program of ours, as a regular expression of its path.
    type: dict
    default: {}
  labelled:
    description:
      - Places that are labelled by every run, for programs come and go there.
      - Those of O(like) are labelled only when the policy learns of them, for they are large.
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Let the policy know the daemon's places
  orlop.node.selinux:
    like:
      /var/lib/orlop: /var/lib/containers/storage/overlay
    types:
      /opt/orlop/releases/[^/]+/bin/orlopd: container_runtime_exec_t
    labelled: [/opt/orlop]
"""

RETURN = r"""
mode:
  description: C(enforcing), C(permissive), or nothing.
  returned: always
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils import contexts
from ansible_collections.orlop.node.plugins.module_utils.record import Record


def main():
    """Compare, then say."""
    module = AnsibleModule(
        argument_spec={
            "like": {"type": "dict", "default": {}},
            "types": {"type": "dict", "default": {}},
            "labelled": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**converge(**module.params, check_mode=module.check_mode))
    except (OSError, contexts.ContextError) as error:
        module.fail_json(msg=str(error))


def converge(like, types, labelled, check_mode):
    """The module's result; without check mode also its doing."""
    mode = contexts.mode()
    if not mode:
        return {"changed": False, "mode": ""}
    record = Record()
    wanted = {path: ["-e", known] for path, known in like.items()}
    wanted |= {path: ["-t", kind] for path, kind in types.items()}
    missing = {path: said for path, said in wanted.items() if record.contexts.get(path) != said}
    if not check_mode:
        # What an older version said of the same place would stand in the way.
        contexts.unsay({path: record.contexts[path] for path in missing if path in record.contexts})
        contexts.say(missing)
        record.contexts.update(missing)
        record.save()
    relabelled = contexts.label([*(path for path in like if path in missing), *labelled], check_mode)
    return {"changed": bool(missing or relabelled), "mode": mode}


if __name__ == "__main__":
    main()
