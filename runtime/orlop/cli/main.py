"""The commands' table of contents. Each command is in a module of its own, imported when it is called."""

import gc
import sys

import click

from orlop.cli.lazy import LazyGroup, Place

PLACES = {
    "check": Place("orlop.cli.check:check", "Tell what this machine lacks to be a node."),
    "completion": Place("orlop.cli.completion:completion", "Print the completion script of a shell."),
    "config": Place("orlop.cli.config:config", "Print, check and explain the daemon's configuration."),
    "daemon": Place("orlop.cli.daemon:daemon", "Start, stop and watch the daemon where no systemd does."),
    "image": Place("orlop.cli.image:image", "Import, list and remove images without a registry."),
    "network": Place("orlop.cli.network:network", "Look at the pod network, and bring pods into another one."),
    "node": Place("orlop.cli.node:node", "Render a node's declaration; name what differs from it."),
    "status": Place("orlop.cli.status:status", "Ask the running daemon how it is."),
    "verify": Place("orlop.cli.verify:verify", "Prove the node: pull an image, run a pod, ask it."),
    "version": Place("orlop.cli.version:version", "Print the version."),
}


@click.group(cls=LazyGroup, places=PLACES, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """orlop: a Kubernetes container runtime and node distribution.

    \b
    Examples:
      orlop check                       what does this machine lack?
      orlop daemon start                start the daemon without systemd
      orlop verify                      pull an image, run a pod, ask it
      orlop config show                 each value, and the file it is from
    """


def main() -> None:
    """The command `orlop`."""
    cli(prog_name="orlop")


def daemon_main() -> None:
    """The command `orlopd`: the same as `orlop daemon run`."""
    gc.disable()  # nothing that the imports make is garbage; the daemon switches it on once it serves
    cli(["daemon", "run", *sys.argv[1:]], prog_name="orlopd")
