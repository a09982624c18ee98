"""A pod's user namespace with the namespaces that it owns, made by a helper process and pinned by its pid.

The daemon starts the helper (`userns_worker`), writes its mappings (user_namespaces(7)), tells it what else to make,
and pins everything while the helper waits. Nothing of the helper outlives this.
"""

import json
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from orlop.aio import process
from orlop.aio.threads import offload
from orlop.engine.sandbox.userns_worker import MAPPED
from orlop.linux.files import write_value
from orlop.linux.fsinfo import filesystem_type
from orlop.linux.mounts import can_idmap
from orlop.linux.namespaces import Kind, clone_flags, pin_of
from orlop.model.errors import InvalidArgument, OrlopError, Unavailable, Unsupported
from orlop.model.security import IDMapping, UserNamespace

log = logging.getLogger(__name__)

TIME_LIMIT = 60.0
"""Seconds for one answer of the helper; it takes milliseconds, but the machine may be busy."""
ANSWER_LIMIT = 1 << 16

# Not -m: runpy and what it imports would double the helper's start.
_PROGRAM = "from orlop.engine.sandbox.userns_worker import main; main()"

_PROBED = (IDMapping(container_id=0, host_id=100000, length=65536),)

Setting = tuple[str, str, str]
"""A sysctl: name, path, value."""


async def make(
    wanted: UserNamespace, paths: Mapping[Kind, str], *, hostname: str = "", sysctls: Sequence[Setting] = ()
) -> None:
    """Make the namespaces of `paths`, of which one is "user" and owns the others, and pin each on its path.

    Raises InvalidArgument for a sysctl that the kernel refuses, Unsupported where it makes no user namespaces.
    """
    others = [kind for kind in paths if kind != "user"]
    request = {"flags": clone_flags(others), "kinds": others, "hostname": hostname, "sysctls": [*sysctls]}
    async with _helper() as (helper, connection):
        try:
            await offload(_converse, connection, helper.pid, wanted, request)
            await offload(pin_of, helper.pid, paths)
        except TimeoutError as error:
            raise Unavailable(f"the helper that makes user namespaces did not answer in {TIME_LIMIT:g} s") from error


async def idmaps_work(*directories: str) -> bool:
    """Whether user namespaces can be made, and the filesystems of these directories mapped into one. Logs why not."""
    probe = UserNamespace(uids=_PROBED, gids=_PROBED)
    try:
        async with _helper() as (helper, connection):
            await offload(
                _converse, connection, helper.pid, probe, {"flags": 0, "kinds": [], "hostname": "", "sysctls": []}
            )
            lacking = await offload(_unmappable, helper.pid, directories)
    except (OrlopError, OSError) as error:
        log.info("pods cannot have user namespaces: %s", error)
        return False
    if lacking:
        log.info("pods cannot have user namespaces: no idmapped mounts of %s (%s)", lacking, filesystem_type(lacking))
    return not lacking


def _unmappable(pid: int, directories: Sequence[str]) -> str:
    """The first directory that cannot be mapped; empty: there is none."""
    userns_fd = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return next((each for each in directories if not can_idmap(each, userns_fd)), "")
    finally:
        os.close(userns_fd)


@asynccontextmanager
async def _helper() -> AsyncIterator[tuple[process.Process, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours:
        ours.settimeout(TIME_LIMIT)
        with theirs:
            # -S and the ready-made path: importing `site` would take as long as all else.
            argv = [sys.executable, "-S", "-c", _PROGRAM]
            environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LC_ALL": "C.UTF-8"}
            helper = process.start(argv, stdin=theirs.fileno(), stderr=2, env=environment)
        try:
            yield helper, ours
        finally:
            helper.kill()
            await helper.wait()


def _converse(connection: socket.socket, pid: int, wanted: UserNamespace, request: Mapping[str, object]) -> None:
    if (first := connection.recv(1)) != MAPPED:
        _judge(first + _line(connection))
    write_value(f"/proc/{pid}/uid_map", _table(wanted.uids))
    write_value(f"/proc/{pid}/gid_map", _table(wanted.gids))
    connection.sendall(json.dumps(request).encode() + b"\n")
    _judge(_line(connection))


def _table(mappings: Sequence[IDMapping]) -> str:
    return "".join(f"{each.container_id} {each.host_id} {each.length}\n" for each in mappings)


def _line(connection: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n") and len(data) < ANSWER_LIMIT:
        if not (chunk := connection.recv(4096)):
            break
        data += chunk
    return data


def _judge(answer: bytes) -> None:
    if not answer.endswith(b"\n"):
        raise Unavailable("the helper that makes user namespaces ended without an answer; see the log before this")
    told = json.loads(answer)
    if "refused" in told:
        raise InvalidArgument(told["refused"])
    if "error" in told:
        raise Unsupported(
            f"the kernel does not {told['error']}: {os.strerror(told['errno'])} (see user.max_user_namespaces)"
        )
