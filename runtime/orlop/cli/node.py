"""`orlop node`: what a node's declaration means in files, and the way back from a node to a bare machine."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from orlop.cli.options import config_option, output_option, socket_of, socket_option
from orlop.model.errors import InvalidArgument, OrlopError

FORMATS = click.Choice(["json", "ansible", "nix"])

if TYPE_CHECKING:
    from orlop.node.differences import Difference

APPLIED = "/var/lib/orlop/node/applied.json"
"""Written by the roles (orlop.node.history) when a run has ended well."""


class Applied(msgspec.Struct):
    """One entry of that file; the other fields are for people."""

    declaration: dict[str, Any]


@click.group()
def node() -> None:
    """Render a node's declaration to the files it stands for; empty a node that is taken away."""


@node.command()
@click.option(
    "--declaration", required=True, type=click.File("rb"), help="The declaration as JSON; - for standard input."
)
@click.option(
    "--output", type=click.Choice(["json", "dir"]), default="json", show_default=True, help="Form of the result."
)
@click.option("--directory", type=click.Path(file_okay=False), help="With --output dir: root below which to write.")
@click.option("--program", help="Path of orlopd in the unit, where it is not below /opt/orlop.")
@click.option("--kubelet", help="Path of the kubelet in its unit, where it is not /usr/bin/kubelet.")
def render(declaration: Any, output: str, directory: str | None, program: str | None, kubelet: str | None) -> None:
    """Print or write every file of a node, as its provisioner would."""
    from orlop.node.declaring import declare
    from orlop.node.render import KUBELET, PROGRAM
    from orlop.node.render import render as render_files

    if output == "dir" and not directory:
        raise click.UsageError("--output dir needs --directory.")
    try:
        files = render_files(declare(_json(declaration.read())), program=program or PROGRAM, kubelet=kubelet or KUBELET)
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
@click.argument("source", type=click.File("r", encoding="utf-8"), default="-")
@click.option("--format", "target", required=True, type=FORMATS, help="Form to write.")
@click.option("--from", "form", type=FORMATS, default="json", show_default=True, help="Form of SOURCE.")
def export(source: Any, target: str, form: str) -> None:
    """Write the declaration in SOURCE in another provisioner's form: variables of Ansible, or a NixOS module."""
    from orlop.node.declaring import declare
    from orlop.node.exchange import READERS, WRITERS

    try:
        data = READERS[form](source.read())
        declare(data)
        click.echo(WRITERS[target](data), nl=False)
    except OrlopError as error:
        raise click.ClickException(str(error)) from error


@node.command()
def schema() -> None:
    """Print the declaration's JSON schema."""
    from orlop.node.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@node.command()
@click.option(
    "--declaration",
    type=click.File("rb"),
    help="The declaration as JSON; - for standard input.  [default: the one that was applied last]",
)
@click.option("--program", help="Path of orlopd in the unit, where it is not below /opt/orlop.")
@socket_option
@output_option
def diff(declaration: Any, program: str | None, socket_path: str | None, output: str) -> None:
    """Name everything on this machine that is not as declared. The status is 1 where there is something.

    \b
    Examples:
      orlop node diff
      orlop node diff --declaration node.json --output json
    """
    from orlop.cli.printing import print_json, print_table
    from orlop.node.declaring import declare
    from orlop.node.drift import drift
    from orlop.node.plan import plan
    from orlop.node.render import PROGRAM

    declared = _json(declaration.read()) if declaration else _applied_last()
    wanted = plan(declare(declared), program=program or PROGRAM)
    found = [*drift(wanted), *_other_version(socket_path or wanted.socket)]
    if output == "json":
        print_json(found)
    elif found:
        rows = [(each.kind, each.name, each.declared, each.found) for each in found]
        print_table(("KIND", "NAME", "DECLARED", "FOUND"), rows)
    else:
        click.echo("This machine is as declared.")
    sys.exit(1 if found else 0)


@node.command()
@click.option(
    "--declaration",
    type=click.File("rb"),
    help="The declaration as JSON; - for standard input.  [default: the one that was applied last]",
)
@output_option
def ports(declaration: Any, output: str) -> None:
    """Name every port that the node serves, and who must reach it: what a firewall lets in.

    \b
    Examples:
      orlop node ports
      orlop node ports --declaration node.json --output json
    """
    from orlop.cli.printing import print_json, print_table
    from orlop.node import ports as serving
    from orlop.node.declaring import declare
    from orlop.node.settings import effective

    declared = declare(_json(declaration.read()) if declaration else _applied_last())
    found = serving.ports(declared, effective(declared))
    if output == "json":
        print_json(found)
    elif found:
        print_table(("PORT", "SERVES", "FROM"), [(each.text, each.server, each.source) for each in found])
    else:
        click.echo("This node serves nobody but itself.")


@node.command()
@click.option("--lock", "path", type=click.Path(dir_okay=False, exists=True), help="Another lock file.")
@click.option("--write", is_flag=True, help="Write it; without, only the difference is shown.")
def refresh(path: str | None, write: bool) -> None:
    """Bring the lock file up to date: newest patches, and the digests that their projects publish.

    For a checkout, with a network. The status is 1 where the file differs and was not written.
    """
    import difflib

    from orlop.cli.fetching import text_at
    from orlop.node import lock, refreshing

    target = Path(path or Path(lock.__file__).with_name("lock.json"))
    before = target.read_text(encoding="utf-8")
    after, told = refreshing.refresh(before, lambda address: text_at(address, refreshing.LIMIT))
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), str(target), "refreshed")
    click.echo("".join(lines), nl=False)
    for sentence in told:
        click.echo(sentence, err=True)
    if write and after != before:
        target.write_text(after, encoding="utf-8")
    sys.exit(1 if after != before and not write else 0)


@node.command()
@socket_option
@config_option
@click.option("--dry-run", is_flag=True, help="Only name them.")
def clear(socket_path: str | None, config_path: str | None, dry_run: bool) -> None:
    """Remove every pod of this node, whoever made it. Pods are named, one a line."""
    from orlop.api.client import CriClient
    from orlop.cli import clearing
    from orlop.cli.asking import ask

    async def conversation(client: CriClient) -> None:
        for pod in await clearing.pods(client):
            if not dry_run:
                await clearing.remove(client, pod)
            click.echo(pod.name)

    ask(socket_of(socket_path, config_path), conversation)


def _applied_last() -> dict[str, Any]:
    try:
        applied = msgspec.json.decode(Path(APPLIED).read_bytes(), type=list[Applied])
    except OSError as error:
        raise InvalidArgument(
            f"no declaration was applied here ({APPLIED}: {error.strerror}): give --declaration"
        ) from error
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"{APPLIED}: {error}: give --declaration") from error
    if not applied:
        raise InvalidArgument(f"{APPLIED} names no declaration: give --declaration")
    return applied[-1].declaration


def _other_version(path: str) -> list["Difference"]:
    """The running daemon, where it is not of the installed version or does not answer."""
    from orlop import __version__
    from orlop.api.client import CriClient
    from orlop.cli.asking import ask
    from orlop.node.differences import Difference

    async def conversation(client: CriClient) -> str:
        return str((await client.call("Version")).runtime_version)

    try:
        found = ask(path.removeprefix("unix://"), conversation)
    except OrlopError as error:
        found = str(error)
    if found == __version__:
        return []
    return [Difference(kind="version", name="the running daemon", declared=__version__, found=found)]


def _private(path: str, flags: int) -> int:
    """Opens a file that nobody else reads before its mode is set: it may hold a password."""
    return os.open(path, flags, 0o600)


def _json(data: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"the declaration is no JSON object: {error}") from error
