"""SIGHUP: read the configuration again, use what can change while the daemon runs, and name what needs a restart."""

import logging

from orlop.config.errors import ConfigError
from orlop.config.loader import Loaded, load
from orlop.daemon import logs
from orlop.daemon.notify import Notifier

log = logging.getLogger(__name__)

LIVE = frozenset({"daemon.log_level"})
"""Keys that take effect at once."""


def reload(running: Loaded, config_path: str | None, notifier: Notifier) -> None:
    """Never fails: a configuration that cannot be used is told in the log, and the running one stays."""
    notifier.reloading()
    try:
        found = load(config_path)
    except ConfigError as error:
        log.error("the configuration cannot be used and the running one stays: %s", error)
    else:
        logs.set_level(found.config.daemon.log_level)
        waiting = changed(running, found) - LIVE
        log.info("configuration read again; %s", _told(waiting))
    notifier.ready()


def changed(old: Loaded, new: Loaded) -> set[str]:
    """Keys whose values differ."""
    before, after = ({key: value for key, value, _ in each.values()} for each in (old, new))
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def _told(waiting: set[str]) -> str:
    return f"these keys need a restart: {', '.join(sorted(waiting))}" if waiting else "nothing needs a restart"
