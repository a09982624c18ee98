"""orlop verify."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from orlop.cli.options import config_option, output_option, socket_of, socket_option
from orlop.cli.printing import print_json, print_table

if TYPE_CHECKING:
    from orlop.verify.proof import Facts, Proof


@click.command()
@socket_option
@config_option
@output_option
@click.option("--image", default="", help="Image with /bin/sh and busybox's httpd.  [default: made on the spot]")
@click.option("--handler", default="", help="Handler to run the pod with.  [default: the runtime's own default]")
@click.option("--registry-binary", type=click.Path(exists=True, dir_okay=False), help="docker-registry's path.")
@click.option("--busybox", type=click.Path(exists=True, dir_okay=False), help="Path of a static busybox.")
def verify(output: str, socket_path: str | None, config_path: str | None, **wishes: Any) -> None:
    """Prove the node: pull an image from a registry, run a pod, ask it over its IP, and remove all of it again.

    The image is made from the machine's static busybox, and served by a registry on loopback that runs for that minute.
    The status is 1 when a step does not work.

    \b
    Examples:
      orlop verify
      orlop verify --handler crun
      orlop verify --image registry.example.com/busybox:1.36 --output json
    """
    from orlop.verify.proof import Wanted, prove

    wanted = Wanted(socket=socket_of(socket_path, config_path), **wishes)
    proof = asyncio.run(prove(wanted))
    if output == "json":
        print_json(msgspec.to_builtins(proof))
    else:
        _print(proof)
    sys.exit(0 if proof.passed else 1)


def _print(proof: "Proof") -> None:
    print_table(("NODE", ""), _facts(proof.facts))
    rows = [
        (step.name, f"{step.milliseconds:.1f}", f"FAILED: {step.error}" if step.error else step.detail)
        for step in proof.steps
    ]
    print_table(("STEP", "MS", "RESULT"), rows)
    failed = next((step for step in proof.steps if step.error), None)
    if failed is None:
        click.echo("The node works: the pod was pulled from a registry and answered over its IP.")
    else:
        click.echo(f"The node does not work: {failed.name}: {failed.error}", err=True)


def _facts(facts: "Facts") -> list[tuple[str, str]]:
    rows = [("runtime", facts.runtime)]
    for name, features in facts.handlers.items():
        rows.append((f"handler {name}", ", ".join(features).replace("_", " ") or "no special features"))
    rows.append(("cgroup driver", facts.cgroup_driver))
    if facts.network:
        rows.append(("network", facts.network))
    return [*rows, *((name, problem or "yes") for name, problem in facts.conditions.items())]
