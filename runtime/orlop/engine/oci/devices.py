"""The spec's device nodes and device cgroup rules. Finding the host's devices is in `hostdevices`."""

from orlop.engine.oci.inputs import Spec, SpecInputs


def device_nodes(inputs: SpecInputs) -> list[Spec]:
    """linux.devices. /dev/null and its like are made by every OCI runtime unasked."""
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
