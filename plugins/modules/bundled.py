#!/usr/bin/python
"""Unpacks an airgap bundle on a node, after every file was compared with the manifest."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundled
short_description: Have an airgap bundle on the node
description:
  - Unpacks the archive into the node's place for bundles, from which M(orlop.node.packages) then installs.
  - A file that is not as the manifest says, is missing, or is not in the manifest, is an error that names it.
options:
  src:
    description: The archive, on the node.
    type: path
    required: true
  sha256:
    description: The archive's digest; the same one as before means that nothing is to do.
    type: str
    required: true
  release:
    description: The release that the node is to run; a bundle of another one is refused.
    type: str
    required: true
  python:
    description: The interpreter that the daemon's environment is made with.
    type: path
    required: true
attributes:
  check_mode:
    support: none
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Have the bundle
  orlop.node.bundled:
    src: /root/bundle.tar
    sha256: "{{ bundle.stat.checksum }}"
    release: 5f0c2a
    python: /usr/bin/python3
"""

RETURN = r"""
place:
  description: Where it is.
  returned: success
  type: str
"""

import os
import shutil
import tarfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils import bundle, debian
from ansible_collections.orlop.node.plugins.module_utils.record import read_text, write_atomic

STAMP = "archive.sha256"


def main():
    """Compare, unpack, check, and put in place."""
    types = {"src": "path", "sha256": "str", "release": "str", "python": "path"}
    module = AnsibleModule(argument_spec={name: {"type": type_, "required": True} for name, type_ in types.items()})
    try:
        facts = debian.bundle_facts(module.params["release"], module.params["python"])
        changed = converge(module.params["src"], module.params["sha256"], facts, bundle.PLACE)
    except (OSError, tarfile.TarError, debian.PackageError, bundle.WrongBundle) as error:
        module.fail_json(msg=f"{module.params['src']}: {error}")
    module.exit_json(changed=changed, place=bundle.PLACE)


def converge(src, sha256, facts, place):
    """Whether there was something to do."""
    if read_text(os.path.join(place, STAMP)) == sha256:
        return False
    if bundle.file_digest(src) != sha256:
        raise bundle.WrongBundle(f"it has another SHA-256 than {sha256}: it was cut short or changed on its way")
    incoming = f"{place}.incoming"
    shutil.rmtree(incoming, ignore_errors=True)
    os.makedirs(incoming, mode=0o700)
    try:
        unpack(src, incoming)
        bundle.check(incoming, **facts)
        write_atomic(os.path.join(incoming, "sources.list"), bundle.sources_list(place), 0o644)
        os.makedirs(os.path.join(incoming, "lists", "partial"))
        write_atomic(os.path.join(incoming, STAMP), sha256, 0o644)
        shutil.rmtree(place, ignore_errors=True)
        os.rename(incoming, place)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    return True


def unpack(src, root):
    """Regular files below the root and nothing else: no link, no device, no way out."""
    with tarfile.open(src) as archive:
        for member in archive:
            target = os.path.normpath(os.path.join(root, member.name))
            if not member.isreg() or not target.startswith(f"{root}/"):
                raise bundle.WrongBundle(f"{member.name} in it is no regular file below its root")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as opened:
                shutil.copyfileobj(archive.extractfile(member), opened)


if __name__ == "__main__":
    main()
