"""orlop check."""

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import msgspec

from orlop.cli.options import config_option, output_option
from orlop.cli.printing import print_json, print_table


@click.command()
@config_option
@output_option
@click.option("--strict", is_flag=True, help="Let warnings fail the check, too.")
def check(config_path: str | None, output: str, strict: bool) -> None:
    """Tell what this machine lacks to be a node, and what to do about it. Changes nothing.

    The status is 1 when something is missing.

    \b
    Examples:
      orlop check
      orlop check --output json --strict
    """
    from orlop.config.loader import load
    from orlop.verify.preflight.all import look
    from orlop.verify.preflight.finding import State

    config = load(config_path).config
    with _silence():  # what the engine logs on the way is in the findings too
        findings = asyncio.run(look(config))
    bad = {State.MISSING, State.WARNING} if strict else {State.MISSING}
    if output == "json":
        print_json([msgspec.to_builtins(each) for each in findings])
    else:
        print_table(("WHAT", "STATE", "FOUND"), [(each.name, each.state, each.detail) for each in findings])
        for each in findings:
            if each.remedy:
                click.echo(f"{each.state}: {each.name}: {each.remedy}")
    sys.exit(1 if any(each.state in bad for each in findings) else 0)


@contextmanager
def _silence() -> Iterator[None]:
    log = logging.getLogger("orlop")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)
