"""orlop check."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click

from orlop.cli.options import config_option, output_option


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
    from orlop.cli.findings import tell
    from orlop.config.loader import load
    from orlop.verify.preflight.all import look
    from orlop.verify.preflight.finding import State

    config = load(config_path).config
    with _silence():  # what the engine logs on the way is in the findings too
        findings = asyncio.run(look(config))
    tell(findings, output, (State.MISSING, State.WARNING) if strict else (State.MISSING,))


@contextmanager
def _silence() -> Iterator[None]:
    log = logging.getLogger("orlop")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)
