"""Who has set what: two plugins that set the same thing of a container are a conflict, told with both their names.

A plugin that wants to override another's setting removes it first; from then on the setting is its own.
"""

from enum import IntEnum

from orlop.engine.nri.v1.changes_pb2 import FieldOwners, OwningPlugins
from orlop.model.errors import FailedPrecondition


class Field(IntEnum):
    """What can be set, by its number in the protocol (enum Field); the numbers matter to validating plugins."""

    annotation = 1
    mount = 2
    hooks = 3
    device = 4
    cdi_device = 5
    env = 6
    args = 7
    memory_limit = 8
    memory_reservation = 9
    memory_swap = 10
    memory_kernel = 11
    memory_kernel_tcp = 12
    memory_swappiness = 13
    memory_disable_oom_killer = 14
    memory_use_hierarchy = 15
    cpu_shares = 16
    cpu_quota = 17
    cpu_period = 18
    cpu_realtime_runtime = 19
    cpu_realtime_period = 20
    cpu_cpus = 21
    cpu_mems = 22
    pids_limit = 23
    hugepage_limit = 24
    blockio_class = 25
    rdt_class = 26
    unified = 27
    cgroups_path = 28
    oom_score_adj = 29
    rlimit = 30
    io_priority = 31
    seccomp_policy = 32
    namespace = 33
    sysctl = 34
    net_device = 35
    scheduler = 36
    rdt_clos_id = 37
    rdt_schemata = 38
    rdt_enable_monitoring = 39
    memory_policy = 40


class Owners:
    """The plugins behind one request's changes, by container, field and key (empty for a field without keys)."""

    def __init__(self) -> None:
        self._setters: dict[tuple[str, Field, str], str] = {}
        self._removers: dict[tuple[str, Field, str], str] = {}

    def claim(self, container_id: str, field: Field, key: str, plugin: str) -> None:
        """The plugin sets it. Raises FailedPrecondition where another one has set it, or taken it away."""
        at = (container_id, field, key)
        other = self._setters.get(at) or self._removers.get(at, plugin)
        if other != plugin:
            what = f"{field.name} {key!r}" if key else field.name
            raise FailedPrecondition(
                f"NRI plugins {other} and {plugin} both change {what} of container {container_id}: "
                "let one of them leave it, or remove the other's value before it sets its own"
            )
        self._setters[at] = plugin

    def clear(self, container_id: str, field: Field, key: str, plugin: str) -> None:
        """The plugin takes away what others have set; only it may set it again."""
        at = (container_id, field, key)
        if self._setters.pop(at, None) is not None:
            self._removers[at] = plugin

    def add(self, container_id: str, field: Field, plugin: str) -> None:
        """The plugin is one of several that add to a field."""
        at = (container_id, field, "")
        there = self._setters.get(at)
        self._setters[at] = f"{there},{plugin}" if there else plugin

    def message(self) -> OwningPlugins:
        """As validating plugins are told it."""
        told = OwningPlugins()
        for (container_id, field, key), plugin in self._setters.items():
            owners: FieldOwners = told.owners[container_id]
            if key:
                owners.compound[field].owners[key] = plugin
            else:
                owners.simple[field] = plugin
        return told
