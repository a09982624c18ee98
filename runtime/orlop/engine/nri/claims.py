"""What an adjustment touches, put on record for its plugin; and all adjustments as one, for plugins that validate."""

import copy
from collections.abc import Iterator
from typing import Any

from orlop.engine.nri import limits
from orlop.engine.nri.adjust import HOOKS, removed
from orlop.engine.nri.owners import Field, Owners
from orlop.engine.nri.v1.changes_pb2 import ContainerAdjustment

_SINGLE = {
    "oom_score_adj": Field.oom_score_adj,
    "io_priority": Field.io_priority,
    "seccomp_policy": Field.seccomp_policy,
    "scheduler": Field.scheduler,
    "memory_policy": Field.memory_policy,
}
_RDT = {
    "clos_id": Field.rdt_clos_id,
    "schemata": Field.rdt_schemata,
    "enable_monitoring": Field.rdt_enable_monitoring,
}


def claim(owners: Owners, container_id: str, wanted: ContainerAdjustment, plugin: str) -> None:
    """Put on record what the plugin changes. Raises FailedPrecondition at a conflict, naming both plugins."""
    keyed = list(_keyed(wanted))
    for field, key in keyed:
        if gone := removed(key):
            owners.clear(container_id, field, gone, plugin)
    for field, key in keyed:
        if not removed(key):
            owners.claim(container_id, field, key, plugin)
    if wanted.args and not wanted.args[0]:
        owners.clear(container_id, Field.args, "", plugin)
    if wanted.linux.rdt.remove:
        for field in _RDT.values():
            owners.clear(container_id, field, "", plugin)
    for field in _single(wanted):
        owners.claim(container_id, field, "", plugin)
    for namespace in wanted.linux.namespaces:
        # Taking a namespace away is as much of a decision as giving one.
        owners.claim(container_id, Field.namespace, removed(namespace.type) or namespace.type, plugin)
    if any(getattr(wanted.hooks, kind) for kind in HOOKS):
        owners.add(container_id, Field.hooks, plugin)
    limits.claim(owners, container_id, wanted.linux.resources, plugin)


def _keyed(wanted: ContainerAdjustment) -> Iterator[tuple[Field, str]]:
    yield from ((Field.annotation, key) for key in wanted.annotations)
    yield from ((Field.mount, each.destination) for each in wanted.mounts)
    yield from ((Field.env, each.key) for each in wanted.env)
    yield from ((Field.rlimit, each.type) for each in wanted.rlimits)
    yield from ((Field.cdi_device, each.name) for each in wanted.CDI_devices)
    yield from ((Field.device, each.path) for each in wanted.linux.devices)
    yield from ((Field.sysctl, key) for key in wanted.linux.sysctl)
    yield from ((Field.net_device, key) for key in wanted.linux.net_devices)


def _single(wanted: ContainerAdjustment) -> Iterator[Field]:
    if wanted.args:
        yield Field.args
    if wanted.linux.cgroups_path:
        yield Field.cgroups_path
    yield from (field for name, field in _SINGLE.items() if wanted.linux.HasField(name))
    yield from (field for name, field in _RDT.items() if wanted.linux.rdt.HasField(name))


def combine(all_wanted: ContainerAdjustment, wanted: ContainerAdjustment) -> None:
    """Add one plugin's adjustment to those before it: lists with keys hold each key once, the last one's."""
    if wanted.args:
        all_wanted.ClearField("args")
    for ours, theirs in (
        (all_wanted.annotations, wanted.annotations),
        (all_wanted.linux.sysctl, wanted.linux.sysctl),
        (all_wanted.linux.net_devices, wanted.linux.net_devices),
    ):
        for gone in filter(None, map(removed, theirs)):
            ours.pop(gone, None)
    all_wanted.MergeFrom(wanted)
    for items, key in (
        (all_wanted.mounts, "destination"),
        (all_wanted.env, "key"),
        (all_wanted.linux.devices, "path"),
        (all_wanted.linux.namespaces, "type"),
    ):
        _keep_last(items, key)


def _keep_last(items: Any, key: str) -> None:
    last = {getattr(each, key).removeprefix("-"): copy.deepcopy(each) for each in items}
    if len(last) < len(items):
        del items[:]
        items.extend(last.values())
