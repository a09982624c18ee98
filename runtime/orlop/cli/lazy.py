"""A command group that imports a command when it is called, so that the quick ones start quickly."""

import importlib
from collections.abc import Mapping
from typing import Any

import click
import msgspec

from orlop.config.errors import ConfigError
from orlop.model.errors import OrlopError


class Place(msgspec.Struct, frozen=True):
    """Where a command is, and its line in the list of commands, which is shown without importing it."""

    target: str
    """module:attribute."""
    help: str


class LazyGroup(click.Group):
    """Commands by name and place. Errors of the domain end a command with their text and status 1."""

    def __init__(self, *args: Any, places: Mapping[str, Place], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, sorted."""
        return sorted({*super().list_commands(ctx), *self._places})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        place = self._places.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = place.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command), place.target
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._help(ctx, name)) for name in self.list_commands(ctx)])

    def _help(self, ctx: click.Context, name: str) -> str:
        place = self._places.get(name)
        if place is not None:
            return place.help
        command = super().get_command(ctx, name)
        return command.get_short_help_str() if command is not None else ""

    def invoke(self, ctx: click.Context) -> Any:
        """Run, and tell an error as a person wants it."""
        try:
            return super().invoke(ctx)
        except (OrlopError, ConfigError) as error:
            raise click.ClickException(str(error)) from error
