"""From plain data to a checked declaration: every mistake is found here, before anything is touched."""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

import msgspec

from orlop.config import typing_rules
from orlop.config.check import check
from orlop.config.errors import Problem
from orlop.config.schema import Config
from orlop.model.errors import InvalidArgument
from orlop.node import artefacts, lock
from orlop.node.declaration import OWN_PLACE, Bridge, Declaration
from orlop.node.kubernetes import rules
from orlop.node.networks import files as networks
from orlop.node.settings import effective


def declare(data: Mapping[str, Any]) -> Declaration:
    """The declaration in plain data, checked whole; InvalidArgument names each wrong place."""
    if isinstance(data.get("kubernetes"), int | float):
        raise InvalidArgument('kubernetes: a number loses its last zero; write the minor in quotes, such as "1.37"')
    _refuse(list(rules.misplaced(data.get("kubelet"))))
    _refuse([*typing_rules.problems(dict(data), Declaration), *_wrong_in_daemon(data.get("daemon"))])
    declaration = msgspec.convert(data, Declaration)
    lock.release(declaration.kubernetes)
    _check_handlers(declaration)
    if isinstance(declaration.network, Bridge):
        _check_addresses(declaration.network)
    _refuse([*networks.problems(declaration), *check(effective(declaration)), *rules.problems(declaration)])
    _refuse(list(artefacts.problems(declaration.artefacts, declaration.kubernetes)))
    return declaration


def _refuse(wrong: list[Problem]) -> None:
    if wrong:
        raise InvalidArgument("; ".join(map(str, wrong)))


def _wrong_in_daemon(settings: object) -> list[Problem]:
    if not isinstance(settings, dict):
        return []
    misplaced = [Problem(f"daemon.{name}", f"say it as {name} at the declaration's top") for name in OWN_PLACE]
    own = {name: value for name, value in settings.items() if name not in OWN_PLACE}
    wrong = [Problem(f"daemon.{told.key}", told.text) for told in typing_rules.problems(own, Config)]
    return [told for told in misplaced if told.key.removeprefix("daemon.") in settings] + wrong


def _check_handlers(declaration: Declaration) -> None:
    if declaration.default_handler not in declaration.handlers:
        known = ", ".join(sorted(declaration.handlers)) or "none"
        raise InvalidArgument(f"default_handler: {declaration.default_handler!r} is not among the handlers ({known})")


def _check_addresses(network: Bridge) -> None:
    families = []
    for cidr in network.pod_cidrs:
        try:
            families.append(ip_network(cidr).version)
        except ValueError as error:
            raise InvalidArgument(f"network.pod_cidrs: {error}") from error
    if not families or len(set(families)) != len(families):
        raise InvalidArgument("network.pod_cidrs: give one network, or one per IP family")
