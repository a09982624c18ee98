"""Places that a node needs: directories on the right filesystems, room, a free socket and ports, a network."""

import os
import socket
from collections.abc import Iterator

from orlop.api.sockets import answers
from orlop.config.schema import Config
from orlop.engine.cni.network import Network
from orlop.engine.storage.layer_mounts import why_not
from orlop.linux.mount_table import mount_of
from orlop.verify.preflight.finding import Finding, missing, ok, warning

ROOM = 5 << 30
"""Bytes below which images will soon not fit."""


def look(config: Config) -> Iterator[Finding]:
    """All but the network."""
    yield _state_dir(config.daemon.state_dir)
    yield _root_dir(config.daemon.root_dir)
    if config.images.layers == "erofs":
        yield _packed_layers(config.daemon.root_dir)
    yield _socket(config.daemon.socket)
    if config.streaming.port:
        yield _port("streaming port", "streaming.port", config.streaming.address, config.streaming.port)
    if config.metrics.address:
        host, _, port = config.metrics.address.rpartition(":")
        yield _port("metrics port", "metrics.address", host.strip("[]"), int(port))


async def network(config: Config) -> list[Finding]:
    """The network as the daemon would find it: conflist, plugins, their own STATUS."""
    section = config.network
    found = Network(
        conf_dir=section.conf_dir,
        plugin_dirs=section.plugin_dirs,
        cache_dir=section.cache_dir,
        default_network=section.default_network,
    )
    await found.start()
    try:
        await found.answered(40.0)  # Cilium's plugin waits 30 s for its agent
        readiness = found.readiness()
    finally:
        await found.close()
    if readiness.ready:
        return [ok("network", readiness.message or f"a conflist in {section.conf_dir} and its plugins are there")]
    remedy = f"install the cluster's network add-on, or put a conflist into {section.conf_dir}"
    return [missing("network", f"{readiness.reason}: {readiness.message}", remedy)]


def _existing(path: str) -> str:
    """The path, or the nearest directory above it that is there."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _state_dir(path: str) -> Finding:
    filesystem = mount_of(_existing(path)).fstype
    if filesystem == "tmpfs":
        return ok("state directory", f"{path} on tmpfs")
    detail = f"{path} is on {filesystem}: after a reboot it would tell of containers that are gone"
    return warning(
        "state directory", detail, f"mount -t tmpfs tmpfs {path}, or set daemon.state_dir to a place on a tmpfs"
    )


def _root_dir(path: str) -> Finding:
    name, place = "root directory", _existing(path)
    filesystem = mount_of(place).fstype
    if filesystem in ("overlay", "tmpfs", "nfs", "nfs4", "fuse"):
        tell = warning if filesystem == "tmpfs" else missing
        detail = f"{path} is on {filesystem}, " + (
            "so images take memory" if filesystem == "tmpfs" else "which overlayfs cannot write its layers to"
        )
        return tell(name, detail, "set daemon.root_dir to a place on ext4 or xfs, or mount one there")
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    detail = f"{path} on {filesystem}, {free / (1 << 30):.1f} GiB free"
    return ok(name, detail) if free >= ROOM else warning(name, detail, "make room: images are some GiB")


def _packed_layers(root_dir: str) -> Finding:
    """Tried as the daemon does at its first pull: a small image is mounted there, and an overlay over it."""
    name, place = "packed layers", _existing(root_dir)
    if reason := why_not(place):
        remedy = 'set images.layers = "unpacked", as it is then anyway; EROFS mounts files from Linux 6.12 on'
        return warning(name, f"{reason}: layers are unpacked", remedy)
    return ok(name, f"an EROFS image in {place} can be mounted, and an overlay over it")


def _socket(path: str) -> Finding:
    if os.path.lexists(path) and not answers(path):
        return ok("socket", f"{path} is left over and will be replaced")
    return ok("socket", f"{path} is {'served' if answers(path) else 'free'}")


def _port(name: str, key: str, address: str, port: int) -> Finding:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return warning(name, f"{address}:{port}: {error.strerror}", f"end what uses it, or set {key}")
    return ok(name, f"{address}:{port} is free")
