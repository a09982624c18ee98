"""How containers of a shim end, whoever ended them: exit files, and what is killed and removed by force."""

import asyncio
import contextlib
import os
import time

from orlop.engine.oci.killing import kill_tree
from orlop.engine.shim.bootstrap import read_bootstrap
from orlop.engine.shim.shims import ShimGone
from orlop.engine.shim.task import TaskExit, TaskService
from orlop.linux.processes import cmdline, start_time
from orlop.model.container import ContainerRecord
from orlop.model.errors import TimedOut
from orlop.services.deck import Deck
from orlop.ttrpc.errors import Code, Disconnected, StatusError

SIGKILL = 9
UNKNOWN_CODE = 255
END_LIMIT = 30.0
"""Seconds that a killed container may take to end."""


async def forget(service: TaskService, container_id: str) -> bool:
    """Have the shim delete a container, after killing it where it lives. False where it does not know it.

    Raises TimedOut, Disconnected, and StatusError: DEADLINE_EXCEEDED where the shim does not answer at all.
    """
    try:
        await service.delete(container_id)
        return True
    except StatusError as error:
        if error.code == Code.NOT_FOUND:
            return False
        if error.code == Code.DEADLINE_EXCEEDED:
            raise
    with contextlib.suppress(StatusError):
        await service.kill(container_id, SIGKILL, everybody=True)
    try:
        async with asyncio.timeout(END_LIMIT):
            await service.wait(container_id)
        await service.delete(container_id)
    except TimeoutError as error:
        raise TimedOut(f"it did not end {END_LIMIT:g} s after SIGKILL") from error
    except StatusError as error:
        if error.code != Code.NOT_FOUND:
            raise
    return True


def write_exit(exit_dir: str, container_id: str, ended: TaskExit) -> None:
    """Leave an exit file as conmon does: under another name, with the time of the end, then renamed."""
    path = os.path.join(exit_dir, container_id)
    temporary = os.path.join(exit_dir, f".{container_id}.shim")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(fd, b"%d" % min(ended.code, UNKNOWN_CODE))
        at = ended.at or time.time_ns()
        os.utime(fd, ns=(at, at))
    finally:
        os.close(fd)
    os.rename(temporary, path)


def kill_command(deck: Deck, record: ContainerRecord, pid: int) -> None:
    """Where the pid is a process of this container on this node: a virtual machine's pids are not."""
    try:
        began = start_time(pid)
        ours = record.id in os.path.basename(deck.hierarchy.cgroup_of(pid))
    except OSError:
        return
    if ours:
        kill_tree(pid, began, hierarchy=deck.hierarchy, cgroup=record.cgroup)


def kill_starting(record: ContainerRecord) -> None:
    """A `start` whose daemon died goes on, and would bring up a shim that nobody knows."""
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError):
                words = cmdline(int(name))
                if words and words[0] == record.runtime_path and words[-1] == "start" and record.id in words:
                    os.kill(int(name), SIGKILL)


async def remove_stray(deck: Deck, container_id: str, bundle: str) -> None:
    """A bundle that no record knows: end its container and its shim, whatever handler it had."""
    if read_bootstrap(bundle) is None:
        return
    try:
        service = await deck.shims.reach(bundle)
        await forget(service, container_id)
        with contextlib.suppress(Disconnected):
            await service.shutdown(container_id)
    except (ShimGone, Disconnected):
        for handler in deck.handlers.values():
            if handler.shim is not None:
                await deck.shims.bury(handler.path, container_id, bundle)
