"""What a node is known to have, looked up once at the beginning of a run: roles need not ask for it again."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess

from ansible_collections.orlop.node.plugins.module_utils import debian, distribution
from ansible_collections.orlop.node.plugins.module_utils.record import DIRECTORY, Record, read_text

CGROUPS = "/sys/fs/cgroup"


def known(directory=DIRECTORY):
    """Parts with files on the node, links that were made, and packages of Debian's names that are installed.

    Names of another family's packages are its own, so that there none is told and each role asks for itself.
    """
    record = Record(directory)
    packages = distribution.packages()
    return {
        "parts": sorted({file["part"] for file in record.files.values()}),
        "links": sorted(record.links),
        "packages": sorted(packages.installed()) if packages is debian else [],
        "attempted": attempted(os.path.join(directory, "attempted.json")),
    }


def attempted(path):
    """Digest of the declaration that the last run attempted, as the role preflight makes it; empty where there is none.

    It is one of JSON with sorted keys: a difference in spelling alone costs that it is written once more.
    """
    try:
        content = json.loads(read_text(path) or "null")
    except ValueError:
        return ""
    return "" if content is None else hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def cgroups(root=CGROUPS):
    """Whether cgroups are mounted where everybody looks for them, of either version."""
    return any(os.path.exists(os.path.join(root, name)) for name in ("cgroup.controllers", "memory"))


def python(program):
    """Major and minor version of an interpreter, such as 3.11; empty where there is none that runs."""
    asked = [program, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
