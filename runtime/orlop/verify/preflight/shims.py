"""Shims that a node's handlers name: the binary, what it calls or reads, and what a host of virtual machines lacks."""

import os
import tomllib

from orlop.config.schema import Handler
from orlop.daemon import binaries
from orlop.daemon.shimhandlers import RUNC_SHIMS
from orlop.verify.preflight.finding import Finding, Tell, ok

DEVICES = {
    "/dev/kvm": "turn on virtualisation in the firmware, or nested virtualisation of the virtual machine",
    "/dev/vhost-vsock": "modprobe vhost_vsock",
    "/dev/vhost-net": "modprobe vhost_net",
}
"""What a virtual machine of Kata needs of its host, and how that comes."""

RUNSC_SHIM = "containerd-shim-runsc-"


def look(name: str, section: Handler, tell: Tell, *, root: str = "") -> Finding:
    """One handler. root: in place of /, for tests."""
    title, key = f"handler {name}", f"handlers.{name}"
    program = f"containerd-shim-{name}-v2"
    path = binaries.find(program, section.path)
    if not path:
        return tell(title, f"{section.path or program} is not there", f"install it, or set {key}.path")
    if section.config_path and not os.path.exists(section.config_path):
        return tell(title, f"{section.config_path} is not there", f"write it, or correct {key}.config_path")
    if os.path.basename(path).startswith(RUNC_SHIMS) and not section.config_path:
        called = binaries.find("runc", section.oci_runtime)
        if not called:
            return tell(
                title, f"{path} calls {section.oci_runtime or 'runc'}, which is not there",
                f"install it (apt install runc), or set {key}.oci_runtime",
            )  # fmt: skip
        return ok(title, f"{path}, which calls {called}")
    if os.path.basename(path).startswith(RUNSC_SHIM) and not binaries.find(called := _runsc(section)):
        remedy = f"install it beside the shim, or correct binary_name in {section.config_path or f'{key}.config_path'}"
        return tell(title, f"{path} calls {called}, which is not there", remedy)
    if "kata" in os.path.basename(path) and (lacking := [each for each in DEVICES if not os.path.exists(root + each)]):
        return tell(
            title, f"{path}; the host has no {', '.join(lacking)}: its virtual machines cannot start",
            "; ".join(DEVICES[each] for each in lacking),
        )  # fmt: skip
    return ok(title, path)


def _runsc(section: Handler) -> str:
    """Name or path of the runsc that gVisor's shim calls."""
    try:
        with open(section.config_path, "rb") as file:
            found = tomllib.load(file).get("binary_name")
    except (OSError, ValueError):
        found = None  # the shim will complain of it in its own words
    return found if found and isinstance(found, str) else "runsc"
