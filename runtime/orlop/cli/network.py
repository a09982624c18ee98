"""orlop network."""

import asyncio
import sys

import click

from orlop.cli.options import config_option, output_option, socket_of, socket_option


@click.group()
def network() -> None:
    """Look at the pod network of this node, and bring pods into another one.

    \b
    Examples:
      orlop network show
      orlop network check
      orlop network renew --dry-run
    """


@network.command()
@config_option
@output_option
def show(config_path: str | None, output: str) -> None:
    """Tell which conflist is used, what else lies there, and whether its plugins are there. Changes nothing.

    The status is 1 when something is missing.

    \b
    Examples:
      orlop network show
      orlop network show --output json
    """
    from orlop.cli.findings import tell
    from orlop.config.loader import load
    from orlop.verify.preflight.conflists import look

    section = load(config_path).config.network
    tell(list(look(section.conf_dir, section.default_network, section.plugin_dirs)), output)


@network.command()
@config_option
@output_option
def check(config_path: str | None, output: str) -> None:
    """Ask the CNI plugins whether each pod's network is still as they made it (CHECK). Changes nothing.

    The status is 1 when something is missing. A pod that comes or goes meanwhile may be told of, too.

    \b
    Examples:
      orlop network check
      orlop network check --output json
    """
    from orlop.cli.findings import tell
    from orlop.config.loader import load
    from orlop.verify.attachments import look

    tell(asyncio.run(look(load(config_path).config.network)), output)


@network.command()
@socket_option
@config_option
@click.option("--wait", type=click.FloatRange(min=0), default=300.0, show_default=True, help="Seconds for each pod.")
@click.option("--dry-run", is_flag=True, help="Only tell which pods they are.")
def renew(socket_path: str | None, config_path: str | None, wait: float, dry_run: bool) -> None:
    """Stop the pods of other networks than the present one, one by one; the kubelet makes them anew.

    Each must be there again with an address before the next one is touched; 0 waits for none. The status is 1 when one
    was not.

    \b
    Examples:
      orlop network renew --dry-run
      orlop network renew --wait 120
    """
    from orlop.api.client import CriClient
    from orlop.cli.asking import ask
    from orlop.config.loader import load
    from orlop.verify import switching

    async def conversation(client: CriClient) -> list[str]:
        pods = await switching.outside(client, load(config_path).config.network.cache_dir)
        click.echo(f"{len(pods)} pods are in another network than the present one")
        if dry_run:
            for pod in pods:
                click.echo(f"{pod.title}: in network {pod.network}")
            return []
        return await switching.renew(client, pods, wait=wait, tell=click.echo)

    left = ask(socket_of(socket_path, config_path), conversation)
    for title in left:
        click.echo(f"{title}: not there anew within {wait:g} s; no further pod was touched", err=True)
    sys.exit(1 if left else 0)
