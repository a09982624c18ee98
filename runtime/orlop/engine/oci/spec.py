"""build_spec: a container's config.json put together from its parts; each part is a pure function in its own file."""

import os
from typing import Any

import msgspec

from orlop.engine.oci.annotations import annotations
from orlop.engine.oci.confinement import security_paths
from orlop.engine.oci.devices import device_nodes, device_rules
from orlop.engine.oci.environment import hostname_of
from orlop.engine.oci.inputs import Spec, SpecInputs
from orlop.engine.oci.mounts import mounts, rootfs_propagation
from orlop.engine.oci.namespaces import namespaces
from orlop.engine.oci.process import process
from orlop.engine.oci.resources import linux_resources, without_no_quota
from orlop.engine.oci.selinux import labels
from orlop.linux.files import read_bytes, write_atomic
from orlop.model.errors import InvalidArgument
from orlop.model.security import IDMapping

OCI_VERSION = "1.0.2"
"""Of the runtime-spec. Newer runtimes read older specs; old ones refuse what they do not know."""


def build_spec(inputs: SpecInputs) -> Spec:
    """The whole config.json. Raises InvalidArgument, FailedPrecondition or Unsupported naming the field at fault."""
    context = inputs.config.linux.security_context
    return {
        "ociVersion": OCI_VERSION,
        "process": process(inputs),
        "root": {"path": inputs.rootfs, "readonly": context.readonly_rootfs},
        "mounts": mounts(inputs),
        "annotations": annotations(inputs),
        "linux": linux(inputs),
        **_hostname(inputs),
    }


def _hostname(inputs: SpecInputs) -> Spec:
    """Set where the namespace is pinned; but a shim's sandbox may have a kernel of its own (Kata, gVisor)."""
    born = inputs.infra and inputs.sandbox_id and inputs.pod.namespaces.uts
    return {"hostname": hostname_of(inputs)} if born else {}


def linux(inputs: SpecInputs) -> Spec:
    """The spec's linux section."""
    context = inputs.config.linux.security_context
    resources = linux_resources(inputs.config.linux.resources, inputs.facts, pids_limit=inputs.settings.pids_limit)
    part: Spec = {
        "cgroupsPath": inputs.cgroups_path,
        "namespaces": namespaces(inputs),
        "devices": device_nodes(inputs),
        "resources": {"devices": device_rules(inputs)} | without_no_quota(resources),
        **security_paths(context),
    }
    if inputs.userns is not None:
        # Of a user namespace that is joined too: OCI runtimes look up here who its root is on the node.
        part["uidMappings"] = [_mapping(each) for each in inputs.userns.uids]
        part["gidMappings"] = [_mapping(each) for each in inputs.userns.gids]
    if label := labels(inputs.pod, context, inputs.facts).mount:
        part["mountLabel"] = label
    if propagation := rootfs_propagation(inputs):
        part["rootfsPropagation"] = propagation
    if inputs.seccomp is not None and not context.privileged:
        part["seccomp"] = inputs.seccomp
    return part


def _mapping(mapping: IDMapping) -> Spec:
    return {"containerID": mapping.container_id, "hostID": mapping.host_id, "size": mapping.length}


def write_config(bundle: str, spec: Spec) -> None:
    """Write <bundle>/config.json at once and whole. Nobody but root may read it: it holds the pod's secrets."""
    try:
        data = msgspec.json.encode(spec)
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"the container's configuration holds text that is not Unicode: {error}") from error
    write_atomic(os.path.join(bundle, "config.json"), data, 0o600)


def exec_process(process: Spec, command: tuple[str, ...], *, terminal: bool = False) -> Spec:
    """The process.json of a command run inside a container: its first process's user, environment and limits."""
    if not command:
        raise InvalidArgument("no command to execute")
    part = {key: value for key, value in process.items() if key != "consoleSize"}
    part |= {"args": list(command), "terminal": terminal}
    if terminal and not any(entry.startswith("TERM=") for entry in part["env"]):
        part["env"] = [*part["env"], "TERM=xterm"]
    return part


class _ProcessOnly(msgspec.Struct):
    """The part of a config.json that exec_process_of decodes; the rest, seccomp above all, is skipped."""

    process: dict[str, Any]


def exec_process_of(bundle: str, command: tuple[str, ...], *, terminal: bool = False) -> Spec:
    """exec_process for the container whose config.json is in bundle."""
    config = msgspec.json.decode(read_bytes(os.path.join(bundle, "config.json")), type=_ProcessOnly)
    return exec_process(config.process, command, terminal=terminal)
