"""Makes, enters and removes lab nodes: `python3 molecule/shared/lab create|destroy|enter|show|stop|list …`.

A lab node is a Debian tree with systemd as PID 1 in systemd-nspawn, with cgroups, a network and a way out of its own;
with --virtual a machine with its own kernel and cgroup version 2, which is slow: qemu has no hardware to help it.
Nothing on the host but the cache directory is changed, and `destroy` leaves nothing of the node.
"""

import argparse
import json
import os
import sys

import cgroups
import nodes
import places
import tools
import trees
import virtual


def main() -> int:
    """One verb; a failure is one sentence."""
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("create", "destroy", "enter", "show", "stop"):
        command = verbs.add_parser(verb)
        command.add_argument("name")
        if verb == "create":
            command.add_argument(
                "--like", metavar="NODE", help="begin with what a stopped node has, not with a bare one"
            )
            command.add_argument("--virtual", action="store_true", help="a virtual machine, reached by ssh")
        if verb == "enter":
            command.add_argument("argv", nargs=argparse.REMAINDER)
    verbs.add_parser("list")
    asked = parser.parse_args()
    if os.geteuid() != 0:
        return _failed("lab nodes need root")
    try:
        return run(asked)
    except (OSError, places.LabError) as error:
        return _failed(str(error))


def run(asked: argparse.Namespace) -> int:
    """Carry out what was asked."""
    if asked.verb == "list":
        print("\n".join(places.existing()))
    elif asked.verb == "enter":
        kind = virtual if virtual.owns(asked.name) else nodes
        kind.enter(asked.name, asked.argv or ["/bin/bash", "-l"])
    elif asked.verb == "show":
        print(json.dumps({"root": str(places.node(asked.name) / "root"), **places.recall(asked.name)}))
    elif asked.verb == "stop":
        nodes.stop(asked.name)
    elif asked.verb == "destroy":
        nodes.destroy(asked.name)
        cgroups.remove(asked.name)
    elif asked.virtual:
        virtual.create(asked.name, tools.find())
    else:
        found = tools.find()
        if asked.like:
            trees.copy(asked.name, asked.like)
        else:
            trees.make(asked.name, found)
            trees.open_what_nspawn_closes(asked.name)
        nodes.boot(asked.name, found)
    return 0


def _failed(sentence: str) -> int:
    print(f"lab: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
