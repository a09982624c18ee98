"""Things of ours that no record knows: left by a lost state database, or by a reboot on the lasting disk.

Only directories that this daemon alone uses are looked at; what is found there is ours, and is removed.
"""

import logging
import os

from orlop.aio.threads import offload
from orlop.engine.oci.runtime import OciRuntime
from orlop.linux.files import read_text_or, remove_tree
from orlop.services.carriers.shim_ends import remove_stray
from orlop.services.deck import Deck

log = logging.getLogger(__name__)


async def remove(deck: Deck) -> None:
    """Remove unknown containers, pods and writable layers. Networks of unknown pods are collected as garbage."""
    await _remove_checkpoints(deck)
    for container_id in await _unknown_containers(deck):
        try:
            await _remove_container(deck, container_id)
        except Exception as error:  # a stray that cannot be removed must not keep the node down
            log.warning("unknown container %s cannot be removed: %s", container_id, error)
    for pod_id in await _unknown_pods(deck):
        try:
            await _remove_pod(deck, pod_id)
        except Exception as error:  # a stray that cannot be removed must not keep the node down
            log.warning("unknown pod sandbox %s cannot be removed: %s", pod_id, error)


async def _remove_checkpoints(deck: Deck) -> None:
    """Those that were being made, or read, when a daemon died."""
    directory = deck.settings.checkpoint_dir("")
    known = {entry.record.checkpoint for entry in deck.state.containers}
    for name in await offload(_names_in, directory):
        if deck.settings.checkpoint_dir(name) not in known:
            await offload(remove_tree, deck.settings.checkpoint_dir(name))


async def _unknown_containers(deck: Deck) -> list[str]:
    bundles = await offload(_names_in, f"{deck.settings.state_dir}/containers")
    return sorted(name for name in {*bundles, *await deck.roots.ids()} if name not in deck.state.containers)


async def _unknown_pods(deck: Deck) -> list[str]:
    directories = await offload(_names_in, f"{deck.settings.state_dir}/pods")
    return sorted(name for name in directories if name not in deck.state.pods)


async def _remove_container(deck: Deck, container_id: str) -> None:
    log.warning("container %s is not on record: removing it", container_id)
    bundle = deck.settings.bundle(container_id)
    pid = read_text_or(f"{bundle}/pidfile", "").strip()
    if pid.isdecimal():
        await offload(_kill_own_cgroup, deck, int(pid), container_id)
    await remove_stray(deck, container_id, bundle)
    for handler in deck.handlers.values():
        if handler.shim is not None:
            continue
        await OciRuntime(
            name=handler.name,
            path=handler.path,
            root=handler.root,
            systemd_cgroup=handler.systemd_cgroup,
        ).delete(container_id, force=True)
    await deck.roots.release(container_id)
    await offload(remove_tree, bundle)
    await offload(remove_tree, f"{deck.settings.socket_dir}/{container_id}")
    deck.exit_watch.forget(container_id)


def _kill_own_cgroup(deck: Deck, pid: int, container_id: str) -> None:
    """The pid may be a stranger's by now: only a cgroup that carries the container's id is killed."""
    try:
        cgroup = deck.hierarchy.cgroup_of(pid)
    except OSError:
        return
    if container_id in os.path.basename(cgroup):
        deck.hierarchy.kill_all(cgroup)


async def _remove_pod(deck: Deck, pod_id: str) -> None:
    log.warning("pod sandbox %s is not on record: removing it", pod_id)
    await deck.namespaces.remove(pod_id)
    await deck.files.remove(pod_id)


def _names_in(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []
