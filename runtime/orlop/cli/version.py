"""orlop version."""

import click

from orlop import __version__
from orlop.cli.options import output_option
from orlop.cli.printing import print_json


@click.command()
@output_option
def version(output: str) -> None:
    """Print the version of this program. `orlop status` tells the daemon's.

    \b
    Example:
      orlop version --output json
    """
    if output == "json":
        print_json({"name": "orlop", "version": __version__})
    else:
        click.echo(f"orlop {__version__}")
