"""Handlers of `type = "shim"` from their tables of the configuration."""

import os

from orlop.config.schema import Handler as HandlerSection
from orlop.daemon import binaries
from orlop.engine.oci.runtime import OciRuntime, RuntimeFeatures
from orlop.engine.shim.bootstrap import NAMESPACE
from orlop.linux.files import ensure_dir
from orlop.model.container import ShimOptions
from orlop.model.enums import CgroupDriver
from orlop.model.errors import FailedPrecondition
from orlop.services.deck import Handler

RUNC_SHIMS = "containerd-shim-runc-"
"""What the names of the shims begin with that call an OCI runtime."""


async def shim_handler(name: str, section: HandlerSection, path: str, root: str, driver: CgroupDriver) -> Handler:
    """The handler. Raises FailedPrecondition where the OCI runtime that it is to call is not there."""
    systemd = driver is CgroupDriver.SYSTEMD
    oci_runtime, features = "", RuntimeFeatures()
    if section.oci_runtime or (os.path.basename(path).startswith(RUNC_SHIMS) and not section.config_path):
        oci_runtime = binaries.find("runc", section.oci_runtime)
        if not oci_runtime:
            wanted = section.oci_runtime or "runc"
            raise FailedPrecondition(f"{wanted} is not installed: install it, or set handlers.{name}.oci_runtime")
        ensure_dir(f"{root}/{NAMESPACE}", 0o711)  # where that shim has it keep its state
        # What the shim can do is what its OCI runtime can.
        runtime = OciRuntime(name=name, path=oci_runtime, root=root, systemd_cgroup=systemd)
        features = await runtime.features()
    return Handler(
        name=name,
        path=path,
        root=root,
        features=features,
        systemd_cgroup=systemd,
        shim=ShimOptions(
            oci_runtime=oci_runtime,
            config_path=section.config_path,
            rootfs=section.rootfs,
            block_size=section.block_size,
            stats=section.stats,
        ),
        privileged_without_host_devices=section.privileged_without_host_devices,
        pod_annotations=section.pod_annotations,
    )
