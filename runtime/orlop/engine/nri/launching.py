"""Plugins that the daemon starts itself: executables named NN-name in a directory, each given an end of a socket."""

import logging
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from orlop.aio.process import Process, start
from orlop.engine.nri.plugin import full_name
from orlop.model.errors import InvalidArgument

log = logging.getLogger(__name__)

MOST_CONFIG = 1 << 20
"""Bytes of a plugin's configuration."""


@dataclass(frozen=True)
class Installed:
    """A plugin that may be started."""

    path: str
    index: str
    name: str
    config: str
    """What its configuration file holds; empty where it has none."""


def installed(plugin_dir: str, config_dir: str) -> Iterator[Installed]:
    """The plugins of a directory, in the order of their names; one that cannot be used is told in the log."""
    try:
        names = sorted(os.listdir(plugin_dir))
    except FileNotFoundError:
        return
    for file_name in names:
        path = os.path.join(plugin_dir, file_name)
        if not os.path.isfile(path) or not os.access(path, os.X_OK):
            continue
        index, _, name = file_name.partition("-")
        try:
            full_name(index, name)
            yield Installed(path, index, name, _config(config_dir, file_name, name))
        except (InvalidArgument, OSError, ValueError) as error:
            log.error("NRI plugin %s is not started: %s", path, error)


def _config(config_dir: str, file_name: str, name: str) -> str:
    for candidate in (file_name, name):
        try:
            with open(os.path.join(config_dir, f"{candidate}.conf"), "rb") as file:
                data = file.read(MOST_CONFIG + 1)
        except FileNotFoundError:
            continue
        if len(data) > MOST_CONFIG:
            raise ValueError(f"{file.name} has more than {MOST_CONFIG} bytes")
        return data.decode()
    return ""


def launch(plugin: Installed) -> tuple[Process, socket.socket]:
    """Start it; the other end of its socket is the caller's. Raises OSError. Its messages go where the daemon's go."""
    ours, theirs = socket.socketpair()
    try:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "NRI_PLUGIN_NAME": plugin.name,
            "NRI_PLUGIN_IDX": plugin.index,
            "NRI_PLUGIN_SOCKET": str(theirs.fileno()),
        }
        return start([plugin.path], env=environment, pass_fds=[theirs.fileno()], stdout=2, stderr=2), ours
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
