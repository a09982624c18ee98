#!/usr/bin/python
"""Makes an airgap bundle on a machine that has a network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle
short_description: Make an airgap bundle
description:
  - Fetches packages with everything they depend on, and wheels by their locked digests, into one archive.
  - Runs on a machine of the distribution, the architecture and the Python of the nodes that it is for.
  - The machine's own lists and caches of packages stay as they are.
options:
  packages:
    description: The distribution's packages that nodes install.
    type: list
    elements: str
    required: true
  requirements:
    description: File with the locked requirements of the daemon.
    type: path
    required: true
  wheel:
    description: The daemon's own wheel.
    type: path
    required: true
  release:
    description: Name of the release that the wheel is; nodes compare it with their own.
    type: str
    required: true
  python:
    description: The interpreter that nodes make the daemon's environment with.
    type: path
    required: true
  artefacts:
    description: Programs that are no packages, as the filter P(orlop.node.plan#filter) gives them; each by its digest.
    type: list
    elements: dict
    default: []
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
        description: Where it is, by http, https or file, or as an absolute path on this machine.
        type: str
        required: true
      sha256:
        description: Digest of what is at the address.
        type: str
        required: true
      option:
        description: Its name in the declaration, where that is another than O(artefacts[].name).
        type: str
        default: ""
  images:
    description: Archives of container images on this machine, as C(orlop image export) or C(docker save) write them.
    type: list
    elements: path
    default: []
  path:
    description: Where to put the archive.
    type: path
    required: true
attributes:
  check_mode:
    support: none
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Make a bundle
  orlop.node.bundle:
    packages: [conmon, runc]
    requirements: /root/daemon.txt
    wheel: /root/orlop-0.1.0-py3-none-any.whl
    release: 5f0c2a
    python: /usr/bin/python3
    path: /root/bundle.tar
"""

RETURN = r"""
facts:
  description: What the manifest says beside the files.
  returned: success
  type: dict
files:
  description: How many files the bundle holds.
  returned: success
  type: int
"""

import os
import shutil
import subprocess
import tarfile
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils import bundle, debian
from ansible_collections.orlop.node.plugins.module_utils.artefacts import WrongArtefact, fetch


def main():
    """Fetch, index, pack."""
    names = ("requirements", "wheel", "python", "path")
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "list", "elements": "str", "required": True},
            "release": {"type": "str", "required": True},
            "artefacts": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    **{name: {"type": "str", "required": True} for name in ("name", "version", "url", "sha256")},
                    "option": {"type": "str", "default": ""},
                },
            },
            "images": {"type": "list", "elements": "path", "default": []},
            **{name: {"type": "path", "required": True} for name in names},
        }
    )
    try:
        with tempfile.TemporaryDirectory(prefix="orlop-bundle-") as scratch:
            facts, count = make(module.params, scratch)
    except (
        OSError,
        ValueError,
        tarfile.TarError,
        debian.PackageError,
        WrongArtefact,
        subprocess.CalledProcessError,
    ) as error:
        told = getattr(error, "stderr", None) or error
        module.fail_json(msg=f"cannot make the bundle: {told}")
    module.exit_json(changed=True, facts=facts, files=count)


def make(params, scratch):
    """The archive at its path; returns the manifest's facts and the number of files."""
    root = os.path.join(scratch, "bundle")
    packages, wheels = os.path.join(root, "packages"), os.path.join(root, "wheels")
    os.makedirs(wheels)
    debian.download(params["packages"], packages)
    write(os.path.join(packages, "Packages"), index(packages))
    fetch_wheels(params["python"], params["requirements"], wheels, scratch)
    shutil.copy(params["wheel"], wheels)
    fetch_artefacts(params["artefacts"], os.path.join(root, "artefacts"))
    images = bundle.add_images(params["images"], root)
    facts = {**debian.bundle_facts(params["release"], params["python"]), "images": images}
    files = bundle.digests(root)
    write(os.path.join(root, bundle.MANIFEST), bundle.manifest(files, **facts))
    pack(root, params["path"])
    return facts, len(files)


def index(packages):
    """The repository's index: each package's own fields, and where it is."""
    entries = []
    for name in sorted(os.listdir(packages)):
        path = os.path.join(packages, name)
        fields = debian.fields(path).rstrip("\n")
        size, digest = os.path.getsize(path), bundle.file_digest(path)
        entries.append(f"{fields}\nFilename: ./{name}\nSize: {size}\nSHA256: {digest}\n")
    return "\n".join(entries)


def fetch_wheels(python, requirements, wheels, scratch):
    """By an environment of its own: a bare Debian has no pip. No source is built, and each digest is compared."""
    environment = os.path.join(scratch, "environment")
    run([python, "-m", "venv", environment])
    pip = [os.path.join(environment, "bin", "python"), "-m", "pip", "-q", "--disable-pip-version-check", "--no-input"]
    run([*pip, "download", "--require-hashes", "--only-binary", ":all:", "-d", wheels, "-r", requirements])


def fetch_artefacts(artefacts, directory):
    """Each under its digest: two names of one content are one file."""
    os.makedirs(directory)
    for artefact in artefacts:
        with open(os.path.join(directory, artefact["sha256"]), "wb") as target:
            fetch(artefact, target)


def pack(root, path):
    """One archive by rename; names and owners are the same whoever makes it."""
    with tarfile.open(f"{path}.part", "w") as archive:
        for place, directories, names in os.walk(root):
            directories.sort()
            for name in sorted(names):
                inside = os.path.relpath(os.path.join(place, name), root)
                archive.add(os.path.join(place, name), inside, filter=as_root)
    os.replace(f"{path}.part", path)


def as_root(member):
    """Owned by root, readable by all, of no time."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = "root"
    member.mode = 0o644
    return member


def run(argv):
    """CalledProcessError with what was said."""
    subprocess.run(argv, check=True, capture_output=True, text=True)


def write(path, text):
    """A new file."""
    with open(path, "w", encoding="utf-8") as opened:
        opened.write(text)


if __name__ == "__main__":
    main()
