"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def config_option(command: F) -> F:
    """--config."""
    return click.option(
        "--config",
        "config_path",
        envvar="ORLOP_CONFIG",
        type=click.Path(dir_okay=False),
        help="Configuration file; drop-ins are in conf.d beside it.  [default: /etc/orlop/orlop.toml]",
    )(command)


def socket_option(command: F) -> F:
    """--socket."""
    return click.option(
        "--socket",
        "socket_path",
        envvar="ORLOP_SOCKET",
        help="CRI socket to talk to.  [default: daemon.socket of the configuration]",
    )(command)


def output_option(command: F) -> F:
    """--output."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="text is for people, json for programs.",
    )(command)


def socket_of(socket_path: str | None, config_path: str | None) -> str:
    """The socket to talk to."""
    if socket_path:
        return socket_path.removeprefix("unix://")
    from orlop.config.loader import load  # only where the configuration is needed

    return load(config_path).config.daemon.socket
