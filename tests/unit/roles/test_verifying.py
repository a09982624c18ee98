"""What the role verify makes of `orlop network show`: a failure where something is missing, words where it is odd."""

import json
from pathlib import Path

from tests.unit.roles.test_parts_of_a_run import ROOT, inventory, run, write

__all__ = ["inventory"]
OK = {"name": "conflists", "state": "ok", "detail": "fine", "remedy": ""}
ODD = {"name": "pod addresses", "state": "warning", "detail": "two networks", "remedy": "mend it"}
MISSING = {"name": "CNI plugins", "state": "missing", "detail": "bridge: in none", "remedy": "install it"}


def test_the_commands_findings_are_told_in_its_words(inventory: Path, tmp_path: Path) -> None:
    asked = {
        "well": {"stdout": json.dumps([OK]), "rc": 0},
        "odd": {"stdout": json.dumps([OK, ODD]), "rc": 0},
        "missing": {"stdout": json.dumps([ODD, MISSING]), "rc": 1},
        "absent": {"msg": "no such file", "rc": 2, "stdout": "", "stderr": ""},
        "broken": {"stdout": "", "stderr": "Error: /etc/orlop/orlop.toml: wrong", "rc": 1},
    }
    tasks = [
        {
            "ansible.builtin.debug": {
                "msg": f"{name}: {{{{ _verify_told | join(' + ') }}}} then {{{{ _verify_findings | length }}}}"
            },
            "vars": {"verify_network": found},
        }
        for name, found in asked.items()
    ]
    files = [str(ROOT / "roles/verify/vars/main.yml")]
    shown = " ".join(run(inventory, write(tmp_path, vars_files=files, tasks=tasks), "--limit", "first").split())
    for words in (
        "well: then 1",
        "odd: two networks: mend it then 2",
        "missing: two networks: mend it + bridge: in none: install it then 2",
        "absent: no such file: make the node first, with playbooks/node.yml then 1",
        "broken: Error: /etc/orlop/orlop.toml: wrong: make the node first",
    ):
        assert words in shown, shown
