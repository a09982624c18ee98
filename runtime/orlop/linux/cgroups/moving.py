"""Moves between cgroups that do not wait: the kernel's lock for them is kept ready while containers are being made.

A write to cgroup.procs takes cgroup_threadgroup_rwsem for writing. While nobody has done so lately its readers, which
are fork, exec and exit, take a short cut that the writer must first see end: a grace period of RCU, some 10 ms with 250
ticks a second (kernel/cgroup/cgroup.c, kernel/rcu/sync.c). The next writers need not wait until another grace period
has passed. So a thread writes every few milliseconds, which moves nothing: this process to the cgroup that it is in.
Of no use, and harmless, where cgroups are mounted with `favordynmods`.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

INTERVAL = 0.008
"""Seconds between writes, about a grace period with 250 ticks a second. Not less, for each keeps forks off a moment."""
LINGERING = 0.016
"""Seconds for which it goes on after the last holder: a kubelet's container follows its pod."""


class ReadyMoves:
    """Keeps moves ready while somebody holds it. All calls are of one thread, the event loop's."""

    def __init__(self, own_procs: Callable[[], str]) -> None:
        """own_procs: path of the cgroup.procs of the cgroup that this process is in (Hierarchy.own_procs)."""
        self._own_procs = own_procs
        self._lock = threading.Lock()
        self._holders = 0
        self._until = 0.0
        self._runs = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Ready soon after it is entered, and until LINGERING after it is left. Never blocks, never fails."""
        with self._lock:
            self._holders += 1
            self._run()
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                self._until = time.monotonic() + LINGERING

    def _run(self) -> None:
        if not self._runs:
            self._runs = True
            threading.Thread(target=self._keep, name="orlop-ready-moves", daemon=True).start()

    def _keep(self) -> None:
        try:
            procs = os.open(self._own_procs(), os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            self._give_up(error)
            return
        try:
            while self._wanted():
                os.write(procs, b"0")
                time.sleep(INTERVAL)
        except OSError as error:
            self._give_up(error)
        finally:
            os.close(procs)

    def _wanted(self) -> bool:
        with self._lock:
            self._runs = self._holders > 0 or time.monotonic() < self._until
            return self._runs

    def _give_up(self, error: OSError) -> None:
        """Moves wait then, and nothing else is wrong. The next holder tries again."""
        log.debug("moves between cgroups cannot be kept ready: %s", error)
        with self._lock:
            self._runs = False
