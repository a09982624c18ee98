"""orlop config default | validate | show | schema."""

import sys
from typing import Any

import click

from orlop.cli.options import config_option, output_option
from orlop.cli.printing import print_json, print_table
from orlop.config.errors import ConfigError
from orlop.config.loader import load


@click.group()
def config() -> None:
    """Print, check and explain the daemon's configuration.

    It is read from /etc/orlop/orlop.toml and the files of /etc/orlop/conf.d, in name order: a later file wins key by
    key.
    """


@config.command()
def default() -> None:
    """Print a file with every key, its meaning and its default, all commented out.

    \b
    Example:
      orlop config default > /etc/orlop/orlop.toml
    """
    from orlop.config.documentation import default_toml

    click.echo(default_toml(), nl=False)


@config.command()
def schema() -> None:
    """Print the JSON schema of the configuration."""
    from orlop.config.documentation import json_schema

    print_json(json_schema())


@config.command()
@config_option
@output_option
def validate(config_path: str | None, output: str) -> None:
    """Check the configuration; the status is 1 if it cannot be used. Every mistake is told with its file and key.

    \b
    Examples:
      orlop config validate
      orlop config validate --config ./orlop.toml --output json
    """
    try:
        files, problems = load(config_path).files, []
    except ConfigError as error:
        files, problems = (), list(error.problems)
    if output == "json":
        found = [{"file": each.source, "key": each.key, "problem": each.text} for each in problems]
        print_json({"valid": not problems, "files": files, "problems": found})
    elif problems:
        for problem in problems:
            click.echo(str(problem), err=True)
    else:
        click.echo(f"The configuration is right. Read: {', '.join(files) or 'no file, all values are defaults'}")
    sys.exit(1 if problems else 0)


@config.command()
@config_option
@output_option
@click.argument("key", required=False, default="")
def show(config_path: str | None, output: str, key: str) -> None:
    """Print each value in force, and the file it is from. KEY shows one key or table.

    \b
    Examples:
      orlop config show
      orlop config show images --output json
    """
    from orlop.config.documentation import toml

    shown = [
        (name, _shown(name, value), source)
        for name, value, source in load(config_path).values()
        if not key or name == key or name.startswith(f"{key}.")
    ]
    if not shown:
        raise click.ClickException(f"there is no key {key!r}; orlop config default lists all")
    if output == "json":
        print_json({name: {"value": value, "source": source} for name, value, source in shown})
    else:
        print_table(("KEY", "VALUE", "FROM"), [(name, toml(value), source) for name, value, source in shown])


def _shown(name: str, value: Any) -> Any:
    return "***" if name.endswith(".password") and value else value
