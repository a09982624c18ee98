"""Status: is the runtime ready, is the network, what can the handlers do."""

import msgspec

from orlop import __version__
from orlop.model.status import (
    RuntimeCondition,
    RuntimeFeatures,
    RuntimeHandler,
    RuntimeHandlerFeatures,
    RuntimeStatus,
    StatusInfo,
)
from orlop.services.deck import Deck


def status(deck: Deck, verbose: bool) -> StatusInfo:
    """Conditions, handlers and features; with verbose also configuration, runtime and network, as JSON."""
    readiness = deck.network.readiness()
    conditions = (
        RuntimeCondition(type="RuntimeReady", status=True),
        RuntimeCondition(
            type="NetworkReady", status=readiness.ready, reason=readiness.reason, message=readiness.message
        ),
    )
    return StatusInfo(
        status=RuntimeStatus(conditions=conditions),
        info=_info(deck) if verbose else {},
        runtime_handlers=_handlers(deck),
        features=RuntimeFeatures(supplemental_groups_policy=True, user_namespaces_host_network=deck.idmaps),
    )


def _handlers(deck: Deck) -> tuple[RuntimeHandler, ...]:
    """By name; the default one first and under the empty name too, as the kubelet looks it up."""
    views = {
        name: RuntimeHandlerFeatures(
            recursive_read_only_mounts=handler.features.recursive_read_only_mounts,
            user_namespaces=deck.idmaps and handler.features.user_namespaces,
        )
        for name, handler in sorted(deck.handlers.items())
    }
    default = RuntimeHandler(name="", features=views[deck.settings.default_handler])
    return (default, *(RuntimeHandler(name=name, features=features) for name, features in views.items()))


def _info(deck: Deck) -> dict[str, str]:
    readiness = deck.network.readiness()
    handlers = {name: {"path": handler.path, "root": handler.root} for name, handler in deck.handlers.items()}
    parts: dict[str, object] = {
        "config": msgspec.Raw(deck.settings.shown.encode() or b"{}"),
        "runtime": {"name": "orlop", "version": __version__, "cgroupDriver": deck.settings.cgroup_driver.name,
                    "cgroupVersion": deck.hierarchy.version, "handlers": handlers},
        "network": {**deck.network.describe(), "ready": readiness.ready, "message": readiness.message},
    }  # fmt: skip
    return {name: msgspec.json.encode(part).decode() for name, part in parts.items()}
