"""`python -m tests.parity [DECLARATION.json …]`: the difference of both provisioners' files, or that there is none.

Without files: the matrix of the tests. In the repository's root, with PYTHONPATH=runtime.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.parity import matrix, sides
from tests.parity.comparing import difference


def with_plugins(data: dict[str, Any]) -> dict[str, Any]:
    """Where plugins are is the provisioner's own default, so a comparison says it."""
    daemon = data.get("daemon", {})
    network = {"plugin_dirs": ["/opt/cni/bin"], **daemon.get("network", {})}
    return {**data, "daemon": {**daemon, "network": network}}


def main(arguments: list[str]) -> int:
    """0 where both write the same bytes."""
    given = {Path(name).stem: json.loads(Path(name).read_text()) for name in arguments} or matrix.declarations()
    declarations = {name: with_plugins(data) for name, data in given.items()}
    with tempfile.TemporaryDirectory() as scratch:
        ansible = sides.ansible(declarations, Path(scratch, "ansible"))
        nix, _ = sides.nix_module(declarations, Path(scratch, "nix"))
    text = "".join(difference(name, ansible[name], nix[name]) for name in declarations)
    files = sum(map(len, ansible.values()))
    print(text or f"{len(declarations)} declarations, {files} files: the same bytes from Ansible and Nix")
    return 1 if text else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
