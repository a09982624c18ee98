"""A real Kubernetes cluster on this machine, made by the playbooks and proved: see docs/lab.md."""

import argparse
import os
import sys

from tests.lab import bundle, cluster, machines, pins, places, playing, prove
from tests.lab.inventory import NETWORKS
from tests.lab.places import MINORS, LabError


def main() -> int:
    """One verb; a failure is one sentence."""
    asked = _parser().parse_args()
    if os.geteuid() != 0:
        return _failed("lab nodes need root")
    try:
        return _run(asked)
    except (OSError, LabError) as error:
        return _failed(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab.sh", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    made = verbs.add_parser("bundle", help="build a minor's programs and pack its images")
    up = verbs.add_parser("up", help="make a cluster")
    upgrade = verbs.add_parser("upgrade", help="bring the cluster to the next minor, by playbooks/upgrade.yml")
    for command in (made, up, upgrade):
        command.add_argument("--minor", choices=MINORS, default=MINORS[-1])
    up.add_argument("--cni", choices=NETWORKS, default=NETWORKS[0])
    up.add_argument("--nodes", type=int, default=2)
    up.add_argument("--control-planes", type=int, default=1, help="how many of them; with several, behind a balancer")
    up.add_argument("--airgap", action="store_true", help="nodes have an archive by bundle.yml, and nothing else")
    switch = verbs.add_parser("switch", help="bring the cluster to another network, by playbooks/network.yml")
    switch.add_argument("--cni", choices=NETWORKS, required=True)
    proofs = verbs.add_parser("prove", help="prove the cluster, and write a transcript")
    proofs.add_argument("only", nargs="?", default="", help="a word in the names of the proofs to run")
    verbs.add_parser("down", help="remove all of it")
    enter = verbs.add_parser("enter", help="a shell or a command in a node")
    enter.add_argument("node")
    enter.add_argument("argv", nargs=argparse.REMAINDER)
    play = verbs.add_parser("play", help="run a playbook on the nodes again")
    play.add_argument("playbook")
    play.add_argument("argv", nargs=argparse.REMAINDER)
    pin = verbs.add_parser("pin", help="pin another patch version of Kubernetes: writes its go.mod")
    pin.add_argument("version")
    return parser


def _run(asked: argparse.Namespace) -> int:
    if asked.verb == "bundle":
        print(bundle.make(asked.minor))
    elif asked.verb == "up":
        cluster.up(asked.minor, asked.cni, asked.nodes, asked.control_planes, airgapped=asked.airgap)
    elif asked.verb == "switch":
        cluster.switch(asked.cni)
    elif asked.verb == "upgrade":
        cluster.upgrade(asked.minor)
    elif asked.verb == "down":
        cluster.down()
    elif asked.verb == "prove":
        prove.prove(asked.only)
    elif asked.verb == "enter":
        argv = [*machines.within(asked.node), *asked.argv]
        os.execvp(argv[0], argv)
    elif asked.verb == "play":
        playing.play(asked.playbook, *asked.argv)
    else:
        print(pins.pin(asked.version))
    return 0


def _failed(sentence: str) -> int:
    print(f"lab.sh: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    places.home()
    sys.exit(main())
