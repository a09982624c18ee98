"""Who executes a call: the daemon itself where it can do all of it, else the plugin's binary.

Reference plugins that the daemon can do by itself are bridge with host-local, and portmap with nftables. The
same configuration, the same leases on disk, the same rules and interfaces, the same result: each call may go either
way, and a pod that one way made is taken down by the other. Whatever is not understood to the last key is left to the
binary, and so is every operation but ADD and DEL.
"""

import logging
import os
from collections.abc import Callable
from functools import partial

import msgspec

from orlop.aio.process import CommandError, Finished
from orlop.aio.threads import in_own_thread, to_its_end
from orlop.engine.cni.builtin import bridge, portmap
from orlop.engine.cni.builtin.bridge import Attachment
from orlop.engine.cni.builtin.port_settings import port_map
from orlop.engine.cni.builtin.settings import NotOurs, bridge_network
from orlop.engine.cni.execution import Call, Execute, run_binary
from orlop.engine.cni.result import BadOutput, parse_versions

log = logging.getLogger(__name__)

_OURS = {"bridge": ("bridge", "host-local"), "portmap": ("portmap",)}
"""Plugins that can be done here, and the binaries that would run otherwise."""
_SINCE = "1.1.0"
"""Version of the specification that the reference plugins speak from 1.6 on; earlier ones ignore nftables."""
_KNOWN_ARGS = ("IgnoreUnknown", "K8S_")
_INTERNAL = 999
"""The plugins' code for an error without one of its own."""

Work = Callable[[], bytes]


class InProcess:
    """Executes calls in this process where that is the same, and by `otherwise` where not."""

    def __init__(self, otherwise: Execute = run_binary) -> None:
        self._otherwise = otherwise
        self._current: dict[tuple[str, int, int, int], bool] = {}

    async def __call__(self, call: Call) -> Finished:
        """As the binary would end."""
        try:
            work = planned(call)
        except NotOurs as error:
            log.debug("plugin %s runs as a process: %s", call.kind, error)
            return await self._otherwise(call)
        for kind in _OURS[call.kind]:
            if not await self._is_current(kind, call):
                return await self._otherwise(call)
        # Not in the pool of short calls: a lease's lock may be held for long.
        try:
            output = await to_its_end(in_own_thread(work))
        except (OSError, ValueError) as error:
            return Finished((call.path,), 1, _report(error), b"")
        return Finished((call.path,), 0, output, b"")

    async def _is_current(self, kind: str, call: Call) -> bool:
        """Whether the binary writes what we do; asked once for each file."""
        path = _found(kind, call)
        if not path:
            return False  # the caller of the binary tells what is missing
        info = os.stat(path)
        key = (path, info.st_ino, info.st_size, info.st_mtime_ns)
        if key not in self._current:
            self._current[key] = await self._asked(kind, path, call)
            how = "by the daemon itself" if self._current[key] else "by the binary, which is older than 1.6"
            log.info("plugin %s (%s) is done %s where the configuration allows", kind, path, how)
        return self._current[key]

    async def _asked(self, kind: str, path: str, call: Call) -> bool:
        environment = {**call.environment, "CNI_COMMAND": "VERSION"}
        stdin = b'{"cniVersion": "1.0.0"}'
        try:
            ended = await self._otherwise(
                Call(kind=kind, path=path, stdin=stdin, environment=environment, timeout=call.timeout)
            )
            return _SINCE in parse_versions(ended.stdout)
        except (CommandError, OSError, BadOutput):
            return False


def planned(call: Call) -> Work:
    """What is to be done for a call. Raises NotOurs."""
    environment = call.environment
    command = environment.get("CNI_COMMAND", "")
    if call.kind not in _OURS or command not in ("ADD", "DEL"):
        raise NotOurs(f"{command} of {call.kind}")
    for argument in filter(None, environment.get("CNI_ARGS", "").split(";")):
        if not argument.startswith(_KNOWN_ARGS):
            raise NotOurs(f"CNI_ARGS has {argument.partition('=')[0]}")
    if call.kind == "portmap":
        return _portmap(call, command)
    pod = Attachment(environment["CNI_CONTAINERID"], environment["CNI_IFNAME"], environment.get("CNI_NETNS", ""))
    network = bridge_network(call.stdin)
    if command == "ADD":
        return lambda: msgspec.json.encode(bridge.add(network, pod, call.timeout))
    return partial(_nothing_told, lambda: bridge.delete(network, pod, call.timeout))


def _portmap(call: Call, command: str) -> Work:
    pod = call.environment["CNI_CONTAINERID"]
    ports = port_map(call.stdin, call.environment["CNI_IFNAME"])
    if command == "DEL":
        return partial(portmap.delete, ports, pod)
    if ports.result == b"null":
        raise NotOurs("there is no result before it")
    return partial(portmap.add, ports, pod)


def _nothing_told(work: Callable[[], None]) -> bytes:
    work()
    return b""


def _found(kind: str, call: Call) -> str:
    """The binary of a plugin: the call's own, or another one where the caller's binary would look for it."""
    if kind == call.kind:
        return call.path
    directories = call.environment.get("CNI_PATH", "").split(":")
    paths = (os.path.join(directory, kind) for directory in directories if directory)
    return next((path for path in paths if os.access(path, os.X_OK)), "")


def _report(error: Exception) -> bytes:
    told = getattr(error, "strerror", None) or str(error)
    return msgspec.json.encode({"cniVersion": "1.0.0", "code": _INTERNAL, "msg": told})
