"""What a plugin wants of a container that is being made, carried out on its config.json. Pure.

Values are checked as far as a bad one would do harm before the OCI runtime sees it; the rest the OCI runtime refuses.
"""

import copy
import posixpath
from collections.abc import Iterable
from typing import Any

from orlop.engine.nri import limits
from orlop.engine.nri.port import Spec
from orlop.engine.nri.v1.changes_pb2 import (
    ContainerAdjustment,
    LinuxContainerAdjustment,
    LinuxMemoryPolicy,
    MpolFlag,
    MpolMode,
)
from orlop.engine.nri.v1.objects_pb2 import (
    Hook,
    Hooks,
    IOPrioClass,
    LinuxDevice,
    LinuxRdt,
    LinuxScheduler,
    LinuxSchedulerFlag,
    LinuxSchedulerPolicy,
    LinuxSeccomp,
    Mount,
)
from orlop.model.errors import InvalidArgument

HOOKS = {
    "prestart": "prestart",
    "create_runtime": "createRuntime",
    "create_container": "createContainer",
    "start_container": "startContainer",
    "poststart": "poststart",
    "poststop": "poststop",
}
"""Kinds of hooks: NRI's name and the runtime-spec's."""
PROPAGATION = ("private", "slave", "shared")
"""In the order of what they let through; with "r" in front for all below."""


def removed(key: str) -> str:
    """The key that is to be removed; empty where the key is to be set."""
    return key[1:] if key.startswith("-") else ""


def adjusted(spec: Spec, wanted: ContainerAdjustment, plugin: str, *, swap: bool = False) -> Spec:
    """A new config.json. Raises InvalidArgument naming the plugin and the value. swap: whether it can be limited."""
    try:
        spec = copy.deepcopy(spec)
        spec["annotations"] = _pairs(spec.get("annotations", {}), wanted.annotations)
        _adjust_process(spec["process"], wanted)
        spec["mounts"] = _mounts(spec["mounts"], wanted.mounts)
        _add_hooks(spec, wanted.hooks)
        _adjust_linux(spec["linux"], wanted.linux)
        there = spec["linux"].get("resources", {})
        spec["linux"]["resources"] = limits.merged(there, wanted.linux.resources, plugin, swap=swap)
        _let_mounts_through(spec, wanted.mounts)
    except ValueError as error:
        raise InvalidArgument(f"NRI plugin {plugin}: {error}") from error
    return spec


def _adjust_process(process: Spec, wanted: ContainerAdjustment) -> None:
    if wanted.args:
        # An empty first one says that another plugin's may be replaced.
        process["args"] = list(wanted.args[1:] if not wanted.args[0] else wanted.args)
        if not process["args"]:
            raise ValueError("args leave no command")
    process["env"] = _env(process["env"], [(each.key, each.value) for each in wanted.env])
    for limit in wanted.rlimits:
        if limit.soft > limit.hard:
            raise ValueError(f"rlimit {limit.type!r}: soft {limit.soft} is above hard {limit.hard}")
        others = [each for each in process.get("rlimits", ()) if each["type"] != limit.type]
        process["rlimits"] = [*others, {"type": limit.type, "hard": limit.hard, "soft": limit.soft}]
    if wanted.linux.HasField("oom_score_adj"):
        process["oomScoreAdj"] = max(-1000, min(1000, wanted.linux.oom_score_adj.value))
    if wanted.linux.HasField("io_priority"):
        priority = wanted.linux.io_priority
        kind = IOPrioClass.Name(getattr(priority, "class"))  # a keyword
        process["ioPriority"] = {"class": kind, "priority": priority.priority}
    if wanted.linux.HasField("scheduler"):
        process["scheduler"] = _scheduler(wanted.linux.scheduler)


def _pairs(there: dict[str, str], wanted: Any) -> dict[str, str]:
    """A map with keys taken away first and then set, as the protocol says."""
    gone = {removed(key) for key in wanted}
    kept = {key: value for key, value in there.items() if key not in gone}
    return kept | {key: value for key, value in wanted.items() if not removed(key)}


def _env(there: list[str], wanted: list[tuple[str, str]]) -> list[str]:
    for key, value in wanted:
        if not key or "=" in key or "\0" in key + value:
            raise ValueError(f"env {key!r} is not the name of a variable, or its value holds a NUL byte")
    new = {key: value for key, value in wanted if not removed(key)}
    gone = {removed(key) for key, _ in wanted}
    part = []
    for entry in there:
        key = entry.partition("=")[0]
        if key in new:
            part.append(f"{key}={new.pop(key)}")
        elif key not in gone:
            part.append(entry)
    return part + [f"{key}={value}" for key, value in new.items()]


def _mounts(there: list[Spec], wanted: Iterable[Mount]) -> list[Spec]:
    part = there
    for mount in wanted:
        target = removed(mount.destination) or mount.destination
        if not target.startswith("/") or posixpath.normpath(target) in ("/", "//") or "\0" in target + mount.source:
            raise ValueError(f"mount {mount.destination!r}: the destination must be an absolute path below the root")
        part = [each for each in part if each["destination"] != target]
        if not removed(mount.destination):
            entry = {"destination": target, "type": mount.type, "source": mount.source, "options": list(mount.options)}
            part = [*part, entry]
    return part


def _let_mounts_through(spec: Spec, wanted: Iterable[Mount]) -> None:
    """A mount's propagation needs at least as much of the root filesystem's."""
    asked = [option for mount in wanted for option in mount.options if option.lstrip("r") in PROPAGATION[1:]]
    there = spec["linux"].get("rootfsPropagation", "rprivate")
    most = max([*asked, there], key=lambda option: PROPAGATION.index(option.lstrip("r")))
    if most != there:
        spec["linux"]["rootfsPropagation"] = most


def _add_hooks(spec: Spec, wanted: Hooks) -> None:
    for name, kind in HOOKS.items():
        for hook in getattr(wanted, name):
            spec.setdefault("hooks", {}).setdefault(kind, []).append(_hook(hook))


def _hook(hook: Hook) -> Spec:
    if not hook.path.startswith("/"):
        raise ValueError(f"hook {hook.path!r}: the path must be absolute")
    entry: Spec = {"path": hook.path, "args": list(hook.args), "env": list(hook.env)}
    if hook.HasField("timeout"):
        entry["timeout"] = hook.timeout.value
    return entry


def _adjust_linux(linux: Spec, wanted: LinuxContainerAdjustment) -> None:
    for device in wanted.devices:
        _adjust_device(linux, device)
    if wanted.cgroups_path:
        linux["cgroupsPath"] = wanted.cgroups_path
    if wanted.HasField("seccomp_policy"):
        linux["seccomp"] = _seccomp(wanted.seccomp_policy)
    for namespace in wanted.namespaces:
        kind = removed(namespace.type) or namespace.type
        linux["namespaces"] = [each for each in linux["namespaces"] if each["type"] != kind]
        if not removed(namespace.type):
            path = {"path": namespace.path} if namespace.path else {}
            linux["namespaces"].append({"type": kind, **path})
    if wanted.sysctl:
        linux["sysctl"] = _pairs(linux.get("sysctl", {}), wanted.sysctl)
    if wanted.net_devices:
        gone = {removed(name) for name in wanted.net_devices}
        devices = {name: each for name, each in linux.get("netDevices", {}).items() if name not in gone}
        new = {name: each for name, each in wanted.net_devices.items() if not removed(name)}
        linux["netDevices"] = devices | {name: {"name": each.name} if each.name else {} for name, each in new.items()}
    if wanted.HasField("rdt"):
        _adjust_rdt(linux, wanted.rdt)
    if wanted.HasField("memory_policy"):
        linux["memoryPolicy"] = _memory_policy(wanted.memory_policy)


def _adjust_device(linux: Spec, device: LinuxDevice) -> None:
    path = removed(device.path) or device.path
    if not path.startswith("/") or (not removed(device.path) and device.type not in ("b", "c", "u", "p")):
        raise ValueError(f"device {device.path!r} of type {device.type!r}: the path must be absolute, the type b or c")
    linux["devices"] = [each for each in linux.get("devices", ()) if each["path"] != path]
    if removed(device.path):
        return
    entry: Spec = {"path": path, "type": device.type, "major": device.major, "minor": device.minor}
    for name, key in (("file_mode", "fileMode"), ("uid", "uid"), ("gid", "gid")):
        if device.HasField(name):
            entry[key] = getattr(device, name).value
    linux["devices"].append(entry)
    kind = "c" if device.type == "u" else device.type
    rule = {"allow": True, "type": kind, "major": device.major, "minor": device.minor, "access": "rwm"}
    if device.type != "p":
        linux.setdefault("resources", {}).setdefault("devices", []).append(rule)


def _seccomp(wanted: LinuxSeccomp) -> Spec:
    calls = []
    for call in wanted.syscalls:
        entry: Spec = {"names": list(call.names), "action": call.action}
        if call.HasField("errno_ret"):
            entry["errnoRet"] = call.errno_ret.value
        if call.args:
            entry["args"] = [
                {"index": each.index, "value": each.value, "valueTwo": each.value_two, "op": each.op}
                for each in call.args
            ]
        calls.append(entry)
    part: Spec = {"defaultAction": wanted.default_action, "syscalls": calls}
    if wanted.HasField("default_errno"):
        part["defaultErrnoRet"] = wanted.default_errno.value
    given = {
        "architectures": list(wanted.architectures),
        "flags": list(wanted.flags),
        "listenerPath": wanted.listener_path,
        "listenerMetadata": wanted.listener_metadata,
    }
    return part | {key: value for key, value in given.items() if value}


def _scheduler(wanted: LinuxScheduler) -> Spec:
    numbers = ("nice", "priority", "runtime", "deadline", "period")
    part: Spec = {"policy": LinuxSchedulerPolicy.Name(wanted.policy)}
    part |= {name: value for name in numbers if (value := getattr(wanted, name))}
    if wanted.flags:
        part["flags"] = [LinuxSchedulerFlag.Name(flag) for flag in wanted.flags]
    return part


def _adjust_rdt(linux: Spec, wanted: LinuxRdt) -> None:
    part = {} if wanted.remove else dict(linux.get("intelRdt", {}))
    if wanted.HasField("clos_id"):
        part["closID"] = wanted.clos_id.value
    if wanted.HasField("schemata"):
        part["schemata"] = list(wanted.schemata.value)
    if wanted.HasField("enable_monitoring"):
        part["enableMonitoring"] = wanted.enable_monitoring.value
    linux.pop("intelRdt", None)
    if part:
        linux["intelRdt"] = part


def _memory_policy(wanted: LinuxMemoryPolicy) -> Spec:
    part: Spec = {"mode": MpolMode.Name(wanted.mode), "nodes": wanted.nodes}
    if wanted.flags:
        part["flags"] = [MpolFlag.Name(flag) for flag in wanted.flags]
    return part
