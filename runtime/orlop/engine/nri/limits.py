"""linux.resources between NRI's messages and the runtime-spec's JSON, with who owns what. Pure.

A field that is not given stays as it is; zero is a value.
"""

from collections.abc import Iterator
from typing import Any

from orlop.engine.nri.owners import Field, Owners
from orlop.engine.nri.port import Spec
from orlop.engine.nri.v1.values_pb2 import LinuxResources
from orlop.model.errors import InvalidArgument

MEMORY = {
    "limit": ("limit", Field.memory_limit),
    "reservation": ("reservation", Field.memory_reservation),
    "swap": ("swap", Field.memory_swap),
    "kernel": ("kernel", Field.memory_kernel),
    "kernel_tcp": ("kernelTCP", Field.memory_kernel_tcp),
    "swappiness": ("swappiness", Field.memory_swappiness),
    "disable_oom_killer": ("disableOOMKiller", Field.memory_disable_oom_killer),
    "use_hierarchy": ("useHierarchy", Field.memory_use_hierarchy),
}
CPU = {
    "shares": ("shares", Field.cpu_shares),
    "quota": ("quota", Field.cpu_quota),
    "period": ("period", Field.cpu_period),
    "realtime_runtime": ("realtimeRuntime", Field.cpu_realtime_runtime),
    "realtime_period": ("realtimePeriod", Field.cpu_realtime_period),
}
CPUSETS = {"cpus": Field.cpu_cpus, "mems": Field.cpu_mems}
"""Plain strings: empty is not given."""


def claim(owners: Owners, container_id: str, wanted: LinuxResources, plugin: str) -> None:
    """Put on record what the plugin sets. Raises FailedPrecondition at a conflict."""
    for field, key in _touched(wanted):
        owners.claim(container_id, field, key, plugin)


def _touched(wanted: LinuxResources) -> Iterator[tuple[Field, str]]:
    for message, names in ((wanted.memory, MEMORY), (wanted.cpu, CPU)):
        yield from ((field, "") for name, (_, field) in names.items() if message.HasField(name))
    yield from ((field, "") for name, field in CPUSETS.items() if getattr(wanted.cpu, name))
    yield from ((Field.hugepage_limit, each.page_size) for each in wanted.hugepage_limits)
    yield from ((Field.unified, key) for key in wanted.unified)
    if wanted.HasField("pids"):
        yield Field.pids_limit, ""
    if wanted.HasField("blockio_class"):
        yield Field.blockio_class, ""
    if wanted.HasField("rdt_class"):
        yield Field.rdt_class, ""


def merged(resources: Spec, wanted: LinuxResources, plugin: str, *, swap: bool = False) -> Spec:
    """The limits with those that the plugin gives. swap: whether the node can limit swap.

    Raises InvalidArgument for what nothing here can carry out.
    """
    for name in ("blockio_class", "rdt_class"):
        if wanted.HasField(name) and getattr(wanted, name).value:
            raise InvalidArgument(
                f"NRI plugin {plugin} asks for {name} {getattr(wanted, name).value!r}: this node has no classes; "
                "set the limits themselves (unified, rdt.clos_id)"
            )
    part = dict(resources)
    _put(part, "memory", {**_given(wanted.memory, MEMORY)})
    _put(part, "cpu", {**_given(wanted.cpu, CPU), **{n: v for n in CPUSETS if (v := getattr(wanted.cpu, n))}})
    if swap and wanted.memory.HasField("limit") and not wanted.memory.HasField("swap"):
        _limit_swap(part["memory"])
    if wanted.hugepage_limits:
        sizes = {each["pageSize"]: each["limit"] for each in part.get("hugepageLimits", ())}
        sizes |= {each.page_size: each.limit for each in wanted.hugepage_limits}
        part["hugepageLimits"] = [{"pageSize": size, "limit": limit} for size, limit in sizes.items()]
    if wanted.unified:
        part["unified"] = {**part.get("unified", {}), **wanted.unified}
    if wanted.HasField("pids"):
        part["pids"] = {"limit": wanted.pids.limit}
    return part


def _limit_swap(memory: dict[str, Any]) -> None:
    """swap is memory and swap together. With a new limit of memory it stays if it can, and is never left out."""
    limit, both = memory["limit"], memory.get("swap", 0)
    memory["swap"] = both if both < 0 or both >= limit >= 0 else limit


def _put(part: Spec, name: str, values: dict[str, Any]) -> None:
    if values:
        part[name] = {**part.get(name, {}), **values}


def _given(message: Any, names: dict[str, tuple[str, Field]]) -> dict[str, Any]:
    return {key: getattr(message, name).value for name, (key, _) in names.items() if message.HasField(name)}


def message(resources: Spec) -> LinuxResources:
    """The runtime-spec's linux.resources as plugins see them."""
    told = LinuxResources()
    for part, target, names in (("memory", told.memory, MEMORY), ("cpu", told.cpu, CPU)):
        values = resources.get(part, {})
        for name, (key, _) in names.items():
            if values.get(key) is not None:
                getattr(target, name).value = values[key]
    for name in CPUSETS:
        setattr(told.cpu, name, resources.get("cpu", {}).get(name, ""))
    for each in resources.get("hugepageLimits", ()):
        told.hugepage_limits.add(page_size=each["pageSize"], limit=each["limit"])
    told.unified.update(resources.get("unified", {}))
    if (limit := resources.get("pids", {}).get("limit")) is not None:
        told.pids.limit = limit
    for rule in resources.get("devices", ()):
        added = told.devices.add(allow=rule["allow"], type=rule.get("type", ""), access=rule.get("access", ""))
        for name in ("major", "minor"):
            if rule.get(name) is not None:
                getattr(added, name).value = rule[name]
    return told
