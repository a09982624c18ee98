"""The user namespace that a pod asks for (KEP-127), checked. Making it is in `userns`."""

from collections.abc import Sequence

from orlop.model.enums import NamespaceMode
from orlop.model.errors import InvalidArgument
from orlop.model.security import IDMapping, NamespaceOption, UserNamespace

_IDS = (1 << 32) - 1
"""Ids that a user namespace can have; the last 32-bit number stands for "none"."""

_FIELD = "security_context.namespace_options"


def user_namespace(options: NamespaceOption) -> UserNamespace | None:
    """The user namespace to make; None where the pod uses the node's. Raises InvalidArgument naming the field."""
    asked = options.userns_options
    if asked is None or asked.mode is NamespaceMode.NODE:
        if asked is not None and (asked.uids or asked.gids):
            raise InvalidArgument(f"{_FIELD}.userns_options has mappings, but its mode is NODE")
        return None
    if asked.mode is not NamespaceMode.POD:
        raise InvalidArgument(f"{_FIELD}.userns_options.mode is {asked.mode.name}: only POD and NODE are possible")
    for field, mappings in (("uids", asked.uids), ("gids", asked.gids)):
        _check(f"{_FIELD}.userns_options.{field}", mappings)
    # A filesystem such as proc or mqueue shows a namespace, and only the namespace's owner may mount it.
    for field, mode in (("pid", options.pid), ("ipc", options.ipc)):
        if mode is NamespaceMode.NODE:
            raise InvalidArgument(f"{_FIELD}.{field} is NODE: a pod with a user namespace cannot use the node's")
    return asked


def _check(field: str, mappings: Sequence[IDMapping]) -> None:
    """One range that begins with container id 0, as the kubelet sends it; other shapes are nobody's, and untested."""
    if len(mappings) != 1:
        raise InvalidArgument(f"{field} has {len(mappings)} mappings: there must be exactly one")
    only = mappings[0]
    if only.container_id != 0:
        raise InvalidArgument(f"{field}[0].container_id is {only.container_id}: id 0 of the container must be mapped")
    if not 0 < only.length <= _IDS - only.host_id or not 0 < only.host_id < _IDS:
        raise InvalidArgument(
            f"{field}[0] maps {only.length} ids to {only.host_id} and following: "
            f"they must be above 0, the node's root, and below {_IDS}"
        )
