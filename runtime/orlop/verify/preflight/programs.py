"""Programs that a node needs: conmon, the OCI runtime of each handler, the pause process, what writes host ports.

Versions are asked for.
"""

import asyncio
import shutil
from collections.abc import Iterator

from orlop.config.schema import Config, Handler
from orlop.daemon import binaries
from orlop.engine.monitor.conmon import Conmon
from orlop.engine.oci.runtime import OciRuntime
from orlop.linux.cgroups.detection import detect
from orlop.linux.files import read_text_or
from orlop.model.errors import OrlopError
from orlop.verify.preflight import shims
from orlop.verify.preflight.finding import Finding, missing, ok, warning


async def look(config: Config) -> list[Finding]:
    """All of them."""
    handlers = (_handler(name, section, config) for name, section in config.handlers.items())
    return [*await asyncio.gather(_conmon(config), *handlers), _pause(config), *_host_ports(config)]


async def _conmon(config: Config) -> Finding:
    path = binaries.conmon(config.monitor.path)
    if not path:
        wanted = config.monitor.path or "conmon"
        return missing("conmon", f"{wanted} is not there", "install conmon (apt install conmon), or set monitor.path")
    try:
        return ok("conmon", f"{path}, version {await Conmon(path).version()}")
    except OrlopError as error:
        return missing("conmon", f"{path}: {error}", "install a good version, or set monitor.path to one")


async def _handler(name: str, section: Handler, config: Config) -> Finding:
    title = f"handler {name}"
    tell = missing if name == config.default_handler else warning
    if section.type == "shim":
        return shims.look(name, section, tell)
    path = binaries.find(name, section.path)
    if not path:
        remedy = f"install it (apt install {name}), or set handlers.{name}.path"
        return tell(title, f"{section.path or name} is not there", remedy)
    runtime = OciRuntime(name=name, path=path, root=section.root or f"{config.daemon.state_dir}/runtimes/{name}")
    try:
        version = await runtime.version()
    except OrlopError as error:
        return tell(title, f"{path}: {error}", "reinstall it")
    if version.name == "crun" and (unmounted := _hugetlb_unmounted()):
        return tell(title, f"{path}, crun {version.version}; {unmounted}", _MOUNT_HUGETLB)
    return ok(title, f"{path}, {version.name} {version.version}")


_MOUNT_HUGETLB = "mkdir -p /sys/fs/cgroup/hugetlb && mount -t cgroup -o hugetlb cgroup /sys/fs/cgroup/hugetlb"


def _hugetlb_unmounted() -> str:
    """crun wants each controller that a kernel with cgroup v1 has to be mounted, hugetlb too."""
    known = any(line.split()[0] == "hugetlb" for line in read_text_or("/proc/cgroups", "").splitlines() if line)
    try:
        hierarchy = detect()
    except OSError:
        return ""
    if known and hierarchy.version == 1 and "hugetlb" not in hierarchy.controllers:
        return "the hugetlb controller is not mounted, and crun fails without it"
    return ""


def _pause(config: Config) -> Finding:
    path = binaries.pause(config.container.pause_path)
    if path:
        return ok("pause process", path)
    remedy = "install catatonit (apt install catatonit), or set container.pause_path"
    return warning("pause process", "none is there: pods with shareProcessNamespace will fail", remedy)


def _host_ports(config: Config) -> Iterator[Finding]:
    """Only where the daemon writes them itself."""
    name = "host ports"
    if config.network.host_ports != "own":
        return
    program = shutil.which("nft") or shutil.which("iptables-restore")
    if not program:
        remedy = "install nftables (apt install nftables), or set network.host_ports to plugin"
        yield missing(name, "neither nft nor iptables-restore is there: pods with host ports will fail", remedy)
    elif not shutil.which("conntrack"):
        detail = f"{program}; conntrack is not there: senders to UDP ports may be led to a pod that has gone"
        yield warning(name, detail, "install conntrack (apt install conntrack)")
    else:
        yield ok(name, program)
