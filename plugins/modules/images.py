#!/usr/bin/python
"""Imports the images of the node's bundle into the daemon's store."""

from __future__ import annotations

DOCUMENTATION = r"""
module: images
short_description: Import the images of the node's bundle
description:
  - Imports each archive of the bundle that the node has, where one of its images is not in the store yet.
  - A node without a bundle, or with one that has no images, is left as it is.
options:
  command:
    description: The program that works on the store.
    type: path
    default: /opt/orlop/venv/bin/orlop
attributes:
  check_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Have Kubernetes' images without a registry
  orlop.node.images:
"""

RETURN = r"""
imported:
  description: Names of images that were, or in check mode would be, imported.
  returned: always
  type: list
  elements: str
"""

import json
import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils.bundle import MANIFEST, PLACE
from ansible_collections.orlop.node.plugins.module_utils.record import read_text


def main():
    """Compare with the store, and import."""
    module = AnsibleModule(
        argument_spec={"command": {"type": "path", "default": "/opt/orlop/venv/bin/orlop"}}, supports_check_mode=True
    )
    command, imported = module.params["command"], []
    archives = known()
    present = names(call(module, [command, "image", "list", "--output", "json"])) if archives else set()
    for path, wanted in sorted(archives.items()):
        missing = sorted(set(wanted) - present)
        if missing and not module.check_mode:
            call(module, [command, "image", "import", os.path.join(PLACE, path)])
        imported += missing
    module.exit_json(changed=bool(imported), imported=imported)


def known(place=PLACE):
    """Names of the images in each archive, by its path in the bundle."""
    text = read_text(os.path.join(place, MANIFEST))
    return json.loads(text).get("images", {}) if text else {}


def names(text):
    """Names of all images in the store."""
    return {name for image in json.loads(text) for name in image["tags"]}


def call(module, argv):
    """The command's output; an error is told in its own words."""
    code, output, error = module.run_command(argv)
    if code != 0:
        module.fail_json(msg=f"{' '.join(argv)} ended with {code}: {error.strip() or output.strip()}")
    return output


if __name__ == "__main__":
    main()
