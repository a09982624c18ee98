"""The spec's device nodes and device cgroup rules. Finding the host's devices is in `hostdevices`."""

from orlop.engine.oci.inputs import Spec, SpecInputs

MADE_ANYWAY = frozenset(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty"))
"""Every OCI runtime gives these (runtime-spec, "Default Devices"), and runc fails where they are there already."""


def device_nodes(inputs: SpecInputs) -> list[Spec]:
    """linux.devices. /dev/null and its like are made by every OCI runtime unasked.

    None in a user namespace, where nodes cannot be made: see device_mounts.
    """
    if inputs.userns is not None:
        return []
    return [
        {
            "path": device.path,
            "type": device.kind,
            "major": device.major,
            "minor": device.minor,
            "fileMode": device.mode,
            "uid": device.uid,
            "gid": device.gid,
        }
        for device in inputs.devices
    ]


def device_mounts(inputs: SpecInputs) -> list[Spec]:
    """In a user namespace: the node's own device nodes, bound. runc would bind by the path in the container."""
    if inputs.userns is None:
        return []
    return [bound_device(device.path, device.host_path) for device in inputs.devices if device.path not in MADE_ANYWAY]


def bound_device(path: str, host_path: str) -> Spec:
    """A mount of a device node of the node."""
    options = ["bind", "rprivate", "nosuid", "noexec", "rw"]
    return {"destination": path, "type": "bind", "source": host_path, "options": options}


def device_rules(inputs: SpecInputs) -> list[Spec]:
    """linux.resources.devices: only what is listed (and the runtime's own few), or everything when privileged."""
    privileged = inputs.config.linux.security_context.privileged
    if privileged and not inputs.settings.privileged_without_host_devices:
        return [{"allow": True, "access": "rwm"}]
    rules: list[Spec] = [{"allow": False, "access": "rwm"}]
    for device in inputs.devices:
        rule = {"type": device.kind, "major": device.major, "minor": device.minor, "access": device.access}
        rules.append({"allow": True} | rule)
    return rules
