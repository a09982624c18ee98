#!/usr/bin/python
"""Writes a set of rendered files in one round trip and records them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: files
short_description: Write the rendered files of one part of a node
description:
  - Writes every file of a part in one round trip, owned by root, each by one rename.
  - Files of the same part that an earlier run wrote and that are no longer in the set are removed.
  - Everything is recorded on the node; what a file held before is kept, so that M(orlop.node.undo) can restore it.
options:
  part:
    description: Whose files these are.
    type: str
    required: true
  files:
    description: The set, as the filter P(orlop.node.plan#filter) gives it.
    type: list
    elements: dict
    required: true
    options:
      path:
        description: Absolute path.
        type: path
        required: true
      mode:
        description: Permissions in octal.
        type: str
        required: true
      content:
        description: The whole text.
        type: str
        required: true
      secret:
        description: Whether the difference must not be shown.
        type: bool
        default: false
      part:
        description: Whose file this is; the same as of the set.
        type: str
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Write what the daemon reads
  orlop.node.files:
    part: daemon
    files: "{{ (orlop_node | orlop.node.plan).files.daemon }}"
"""

RETURN = r"""
paths:
  description: Files that were, or in check mode would be, written or removed.
  returned: always
  type: list
  elements: str
"""

import os
import stat

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils.record import (
    Record,
    digest,
    missing_directories,
    read_text,
    write_atomic,
)


def main():
    """Compare, then write."""
    module = AnsibleModule(
        argument_spec={
            "part": {"type": "str", "required": True},
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "path", "required": True},
                    "mode": {"type": "str", "required": True},
                    "content": {"type": "str", "required": True},
                    "secret": {"type": "bool", "default": False},
                    "part": {"type": "str"},
                },
            },
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**converge(module.params["part"], module.params["files"], module.check_mode))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        module.fail_json(msg=str(error))


def converge(part, files, check_mode):
    """The module's result; without check mode also its doing."""
    record = Record()
    wanted = {file["path"] for file in files}
    stale = sorted(path for path, known in record.files.items() if known["part"] == part and path not in wanted)
    changes = [change for change in map(compare, files) if change] + [gone(path) for path in stale]
    if not check_mode:
        for file in files:
            apply(record, part, file)
        for path in stale:
            remove(record, path)
        record.save()
    return {
        "changed": bool(changes),
        "paths": [change["after_header"] for change in changes],
        "diff": changes,
    }


def compare(file):
    """The difference between the file and the node's, None where there is none."""
    path, mode = file["path"], int(file["mode"], 8)
    before = read_text(path)
    if before == file["content"] and mode_of(path) == mode:
        return None
    shown = {"before_header": path, "after_header": path}
    if file["secret"]:
        return {**shown, "before": "(not shown)\n", "after": "(not shown: it holds a password)\n"}
    if before == file["content"]:
        return {**shown, "before": f"mode {mode_of(path):04o}\n", "after": f"mode {mode:04o}\n"}
    return {**shown, "before": before or "", "after": file["content"]}


def gone(path):
    """The difference of a file that is no longer wanted."""
    return {"before_header": path, "after_header": path, "before": read_text(path) or "", "after": ""}


def apply(record, part, file):
    """Make the node's file equal, and remember whose it is."""
    path, content = file["path"], file["content"]
    before = read_text(path)
    known = record.files.get(path)
    if known is None:
        known = {"replaced": before is not None and before != content}
        if known["replaced"]:
            keep(record, path, before)
    for directory in missing_directories(path):
        os.mkdir(directory, 0o755)
        record.directories.append(directory)
    if before != content or mode_of(path) != int(file["mode"], 8):
        write_atomic(path, content, int(file["mode"], 8))
    record.files[path] = {**known, "part": part, "sha256": digest(content)}


def keep(record, path, content):
    """What stood there before us, with its mode, for the day we go."""
    copy = record.kept_copy(path)
    os.makedirs(os.path.dirname(copy), mode=0o700, exist_ok=True)
    write_atomic(copy, content, mode_of(path))


def remove(record, path):
    """A file of ours that is no longer wanted; an earlier one comes back."""
    known = record.files.pop(path)
    copy = record.kept_copy(path)
    if known["replaced"] and os.path.exists(copy):
        write_atomic(path, read_text(copy), mode_of(copy))
        os.unlink(copy)
    elif os.path.exists(path):
        os.unlink(path)


def mode_of(path):
    """Permissions, or None where there is no file."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    main()
