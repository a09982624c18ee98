"""`orlop node`: what a node's declaration means, in files. Only `render --directory` writes anything."""

import json
import os
from pathlib import Path
from typing import Any

import click
import msgspec

from orlop.model.errors import InvalidArgument, OrlopError


@click.group()
def node() -> None:
    """Render a node's declaration to the files it stands for."""


@node.command()
@click.option(
    "--declaration", required=True, type=click.File("rb"), help="The declaration as JSON; - for standard input."
)
@click.option(
    "--output", type=click.Choice(["json", "dir"]), default="json", show_default=True, help="Form of the result."
)
@click.option("--directory", type=click.Path(file_okay=False), help="With --output dir: root below which to write.")
@click.option("--program", help="Path of orlopd in the unit, where it is not below /opt/orlop.")
def render(declaration: Any, output: str, directory: str | None, program: str | None) -> None:
    """Print or write every file of a node, as its provisioner would."""
    from orlop.node.declaring import declare
    from orlop.node.render import PROGRAM
    from orlop.node.render import render as render_files

    if output == "dir" and not directory:
        raise click.UsageError("--output dir needs --directory.")
    try:
        files = render_files(declare(_json(declaration.read())), program=program or PROGRAM)
    except OrlopError as error:
        raise click.ClickException(str(error)) from error
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(files), indent=2))
        return
    for file in files:
        target = Path(directory or "", file.path.lstrip("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "w", opener=_private) as opened:
            os.fchmod(opened.fileno(), int(file.mode, 8))
            opened.write(file.content)
        click.echo(str(target))


@node.command()
def schema() -> None:
    """Print the declaration's JSON schema."""
    from orlop.node.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


def _private(path: str, flags: int) -> int:
    """Opens a file that nobody else reads before its mode is set: it may hold a password."""
    return os.open(path, flags, 0o600)


def _json(data: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"the declaration is no JSON object: {error}") from error
