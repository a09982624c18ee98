"""Edits of CDI devices put into a container's specification. Device nodes are looked up on the node here."""

import os
import posixpath
import stat
from collections.abc import Sequence
from typing import Any

from orlop.engine.oci.cdi.directory import Found
from orlop.engine.oci.cdi.schema import ContainerEdits, DeviceNode, Hook, IntelRdt, Mount
from orlop.engine.oci.devices import bound_device
from orlop.engine.oci.inputs import Spec
from orlop.model.errors import FailedPrecondition, Unsupported


def inject(spec: Spec, devices: Sequence[Found]) -> None:
    """Change the specification in place: each file's own edits once, before those of its first device.

    Raises FailedPrecondition or Unsupported naming the device and its file.
    """
    files: set[str] = set()
    for found in devices:
        label = f"CDI device {found.specification.kind}={found.device.name} ({found.path})"
        if found.path not in files:
            files.add(found.path)
            _apply(spec, found.specification.container_edits, label)
        _apply(spec, found.device.container_edits, label)
    # Parents before children; the sort is stable.
    spec["mounts"].sort(key=lambda mount: posixpath.normpath(mount["destination"]).count("/"))


def _apply(spec: Spec, edits: ContainerEdits, label: str) -> None:
    if edits.net_devices:
        raise Unsupported(f"{label}: netDevices cannot be given to a container")
    process, linux = spec["process"], spec["linux"]
    for variable in edits.env:
        name = variable.partition("=")[0]
        process["env"] = [*(each for each in process["env"] if each.partition("=")[0] != name), variable]
    for node in edits.device_nodes:
        entry = _node(node, process["user"], label)
        if "uidMappings" in linux:  # a user namespace: nodes cannot be made there
            spec["mounts"].append(bound_device(entry["path"], node.host_path or node.path))
        else:
            linux["devices"] = [*(each for each in linux["devices"] if each["path"] != entry["path"]), entry]
        _allow(linux, entry, node.permissions or "rwm")
    for mount in edits.mounts:
        spec["mounts"] = [each for each in spec["mounts"] if each["destination"] != mount.container_path]
        spec["mounts"].append(_mount(mount))
    for hook in edits.hooks:
        spec.setdefault("hooks", {}).setdefault(hook.hook_name, []).append(hook_entry(hook))
    user = process["user"]
    user["additionalGids"] = list(dict.fromkeys((*user.get("additionalGids", ()), *edits.additional_gids)))
    if edits.intel_rdt is not None:
        linux["intelRdt"] = _rdt(edits.intel_rdt)


def _allow(linux: Spec, entry: Spec, access: str) -> None:
    if entry["type"] in ("b", "c"):
        rule = {"allow": True, "type": entry["type"], "major": entry["major"], "minor": entry["minor"]}
        linux["resources"]["devices"].append(rule | {"access": access})


def _node(node: DeviceNode, user: Spec, label: str) -> Spec:
    """linux.devices' entry; what the file leaves open is the node's own, and its owner the container's user."""
    kind, major, minor = node.type, node.major, node.minor
    if not kind or (kind != "p" and (major is None or minor is None)):
        kind, major, minor = _on_the_node(node, label)
    entry: dict[str, Any] = {"path": posixpath.normpath(node.path), "type": kind}
    if kind != "p":
        entry |= {"major": major, "minor": minor}
    if node.file_mode is not None:
        entry["fileMode"] = node.file_mode
    for field, given in (("uid", node.uid), ("gid", node.gid)):
        if given is not None or user[field]:
            entry[field] = user[field] if given is None else given
    return entry


def _on_the_node(node: DeviceNode, label: str) -> tuple[str, int, int]:
    path = node.host_path or node.path
    try:
        info = os.stat(path)
    except OSError as error:
        raise FailedPrecondition(f"{label}: device node {path!r}: {error.strerror}") from error
    kinds = {stat.S_IFCHR: "c", stat.S_IFBLK: "b", stat.S_IFIFO: "p"}
    kind = kinds.get(stat.S_IFMT(info.st_mode), "")
    if not kind or node.type not in ("", kind, "u" if kind == "c" else kind):
        raise FailedPrecondition(f"{label}: {path!r} is no device node of the type that is described")
    return kind, os.major(info.st_rdev), os.minor(info.st_rdev)


def _mount(mount: Mount) -> Spec:
    options = list(mount.options)
    if mount.type in ("", "bind") and not {"bind", "rbind"} & set(options):
        options.insert(0, "rbind")
    return {
        "destination": mount.container_path,
        "type": mount.type or "bind",
        "source": mount.host_path,
        "options": options,
    }


def hook_entry(hook: Hook) -> Spec:
    """A hook as the runtime specification has it."""
    entry: Spec = {"path": hook.path, "args": list(hook.args), "env": list(hook.env)}
    return {**entry, "timeout": hook.timeout} if hook.timeout else entry


def _rdt(rdt: IntelRdt) -> Spec:
    values = {
        "closID": rdt.clos_id,
        "l3CacheSchema": rdt.l3_cache_schema,
        "memBwSchema": rdt.mem_bw_schema,
        "enableCMT": rdt.enable_cmt,
        "enableMBM": rdt.enable_mbm,
        "schemata": list(rdt.schemata),
        "enableMonitoring": rdt.enable_monitoring,
    }
    return {key: value for key, value in values.items() if value}
