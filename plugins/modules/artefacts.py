#!/usr/bin/python
"""Installs programs that are no distribution packages, each compared with its digest."""

from __future__ import annotations

DOCUMENTATION = r"""
module: artefacts
short_description: Install programs by version and digest
description:
  - Brings each program from the node's bundle, where that has it, else from its address or path; nothing is taken whose
    SHA-256 is another than the declared one.
  - A program is kept under a name that holds its version and digest, and a link makes it the one in use, by one rename.
    What runs goes on with the file that it was started from.
  - From an archive (tar) the file of the program's name is taken. Programs of one digest are in one archive, which is
    fetched once.
  - The version before stays for a way back; older ones are removed. All is recorded for M(orlop.node.undo).
options:
  artefacts:
    description: The programs, as the filter P(orlop.node.plan#filter) gives them.
    type: list
    elements: dict
    required: true
    options:
      name:
        description: The program's name.
        type: str
        required: true
      version:
        description: Its version.
        type: str
        required: true
      url:
        description: Where it is, by http, https or file, or as an absolute path on the node.
        type: str
        required: true
      sha256:
        description: Digest of what is at the address. Nothing is an error, which says where to give one.
        type: str
        default: ""
      option:
        description: Its name in the declaration, where that is another than O(artefacts[].name).
        type: str
        default: ""
  directory:
    description: Where programs are kept.
    type: path
    default: /opt/orlop/kubernetes
  links:
    description: Where links to the programs in use are made.
    type: path
    default: /usr/bin
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Install the kubelet
  orlop.node.artefacts:
    artefacts:
      - name: kubelet
        version: 1.36.4
        url: https://dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubelet
        sha256: cf2562db46c48ab84cc3791540778ee7fb1a0a008529adbb434723dd02ed8b4b
"""

RETURN = r"""
programs:
  description: The file that each program's link leads to, by name.
  returned: always
  type: dict
renewed:
  description: Programs whose link leads to another file than before.
  returned: always
  type: list
  elements: str
"""

import os
import tarfile
from urllib.error import URLError

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils.artefacts import Store, WrongArtefact

FIELDS = ("name", "version", "url")


def main():
    """Compare, then bring and link."""
    module = AnsibleModule(
        argument_spec={
            "artefacts": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    **{name: {"type": "str", "required": True} for name in FIELDS},
                    "sha256": {"type": "str", "default": ""},
                    "option": {"type": "str", "default": ""},
                },
            },
            "directory": {"type": "path", "default": "/opt/orlop/kubernetes"},
            "links": {"type": "path", "default": "/usr/bin"},
        },
        supports_check_mode=True,
    )
    store = Store(module.params["directory"], module.params["links"])
    try:
        module.exit_json(**store.converge(module.params["artefacts"], module.check_mode))
    except WrongArtefact as error:
        module.fail_json(msg=str(error))
    except (OSError, URLError, tarfile.TarError, ValueError) as error:
        module.fail_json(msg=f"cannot install into {os.path.dirname(store.directory)}: {error}")


if __name__ == "__main__":
    main()
