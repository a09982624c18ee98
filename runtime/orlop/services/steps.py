"""Where a long piece of work stands: its current step, how long that takes, and the time of each step before.

The text of an error, of a slow-request warning and of a retry's answer all come from here.
"""

import logging
import time
from dataclasses import dataclass, field

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Steps:
    """The steps of one piece of work on one object."""

    what: str
    """The object in the user's terms: "pod default/web"."""
    step: str = "begin"
    began: float = field(default_factory=time.monotonic)
    entered: float = field(default_factory=time.monotonic)
    done: list[tuple[str, float]] = field(default_factory=list)
    """Name and seconds of each finished step."""

    def enter(self, step: str) -> None:
        """The previous step is done; this one, a phrase such as "set up the network", begins."""
        now = time.monotonic()
        self.done.append((self.step, now - self.entered))
        self.step, self.entered = step, now

    def standing(self) -> str:
        """For a retry or a warning: the step and its age."""
        return f"{self.step} (for {time.monotonic() - self.entered:.1f} s)"

    def log_done(self, outcome: str) -> None:
        """Log the milliseconds of every step at debug level."""
        self.enter("end")
        if log.isEnabledFor(logging.DEBUG):
            times = ", ".join(f"{name} {seconds * 1000:.1f}" for name, seconds in self.done[1:])
            log.debug("%s %s in %.1f ms: %s", self.what, outcome, (time.monotonic() - self.began) * 1000, times)
