"""The daemon's settings that follow from a declaration: its own overrides, and what the rest of it implies."""

from collections.abc import Mapping
from typing import Any

import msgspec

from orlop.config.keys import fields_of, table_of
from orlop.config.schema import Config
from orlop.node import lock
from orlop.node.declaration import Declaration


def daemon_settings(declaration: Declaration) -> dict[str, Any]:
    """What orlop.toml says, in the schema's order: what was declared and what is derived, no other default."""
    given: dict[str, Any] = {
        **declaration.daemon,
        "default_handler": declaration.default_handler,
        "handlers": {name: _declared(handler) for name, handler in sorted(declaration.handlers.items())},
    }
    # kubeadm pulls this very image, so the daemon must pin it and no other.
    given["images"] = {"pause_image": lock.release(declaration.kubernetes).images.pause, **given.get("images", {})}
    # A section in which nothing is set says nothing; an empty table of a registry or handler does.
    sections = {name for name, field in fields_of(Config).items() if table_of(field.type)}
    said = {name: value for name, value in given.items() if value != {} or name not in sections}
    ordered = _in_order(said, msgspec.to_builtins(Config()))
    assert isinstance(ordered, dict)
    return ordered


def effective(declaration: Declaration) -> Config:
    """The configuration that the daemon will have, defaults filled in."""
    return msgspec.convert(daemon_settings(declaration), Config)


def _declared(handler: msgspec.Struct) -> dict[str, Any]:
    """A handler's fields that are not their default, and always its type, so that no handler is an empty table."""
    plain: dict[str, Any] = msgspec.to_builtins(handler)
    default = msgspec.to_builtins(type(handler)())
    return {name: value for name, value in plain.items() if name == "type" or value != default[name]}


def _in_order(given: object, model: object) -> object:
    """Mappings in the model's order of names, then by name: what inventories and Nix hand over has no order."""
    if not isinstance(given, Mapping):
        return given
    known = list(model) if isinstance(model, Mapping) else []
    names = [name for name in known if name in given] + sorted(name for name in given if name not in known)
    return {name: _in_order(given[name], model.get(name) if isinstance(model, Mapping) else None) for name in names}
