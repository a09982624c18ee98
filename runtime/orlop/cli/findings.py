"""Findings of the preflight as a command shows them. Imported by those commands alone: others do not pay for it."""

import sys
from collections.abc import Collection, Sequence
from typing import NoReturn

import click
import msgspec

from orlop.cli.printing import print_json, print_table
from orlop.verify.preflight.finding import Finding, State


def tell(findings: Sequence[Finding], output: str, bad: Collection[State] = (State.MISSING,)) -> NoReturn:
    """Print them, with what helps, and end: with 1 when one is bad."""
    if output == "json":
        print_json([msgspec.to_builtins(each) for each in findings])
    else:
        print_table(("WHAT", "STATE", "FOUND"), [(each.name, each.state, each.detail) for each in findings])
        for each in findings:
            if each.remedy:
                click.echo(f"{each.state}: {each.name}: {each.remedy}")
    sys.exit(1 if any(each.state in bad for each in findings) else 0)
