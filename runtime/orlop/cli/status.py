"""orlop status."""

import sys
from typing import Any

import click
import msgspec

from orlop.cli.options import config_option, output_option, socket_of, socket_option
from orlop.cli.printing import print_json, print_table


@click.command()
@socket_option
@config_option
@output_option
def status(socket_path: str | None, config_path: str | None, output: str) -> None:
    """Ask the running daemon for its version, conditions and handlers. The status is 1 when a condition is not met.

    \b
    Examples:
      orlop status
      orlop status --socket /run/orlop/orlop.sock --output json
    """
    from orlop.api.client import CriClient
    from orlop.api.v1 import runtime_pb2
    from orlop.cli.asking import ask

    async def conversation(client: CriClient) -> tuple[Any, Any]:
        return await client.call("Version"), await client.call("Status", runtime_pb2.StatusRequest(verbose=True))

    path = socket_of(socket_path, config_path)
    version, answer = ask(path, conversation)
    if output == "json":
        print_json(_as_json(path, version, answer))
    else:
        click.echo(f"{version.runtime_name} {version.runtime_version}, CRI {version.runtime_api_version}, at {path}")
        conditions = answer.status.conditions
        print_table(
            ("CONDITION", "MET", "REASON"),
            [(each.type, _yes(each.status), _reason(each)) for each in conditions],
        )
        print_table(
            ("HANDLER", "RECURSIVE READ-ONLY MOUNTS", "USER NAMESPACES"),
            [_handler_row(each) for each in answer.runtime_handlers if each.name],
        )
    sys.exit(0 if all(each.status for each in answer.status.conditions) else 1)


def _handler_row(handler: Any) -> tuple[str, str, str]:
    features = handler.features
    return handler.name, _yes(features.recursive_read_only_mounts), _yes(features.user_namespaces)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _reason(condition: Any) -> str:
    return ": ".join(part for part in (condition.reason, condition.message) if part)


def _as_json(path: str, version: Any, answer: Any) -> dict[str, Any]:
    return {
        "socket": path,
        "version": {"name": version.runtime_name, "version": version.runtime_version},
        "conditions": [
            {"type": each.type, "met": each.status, "reason": each.reason, "message": each.message}
            for each in answer.status.conditions
        ],
        "handlers": [
            {
                "name": each.name,
                "recursiveReadOnlyMounts": each.features.recursive_read_only_mounts,
                "userNamespaces": each.features.user_namespaces,
            }
            for each in answer.runtime_handlers
        ],
        "info": {key: _decoded(value) for key, value in answer.info.items()},
    }


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
