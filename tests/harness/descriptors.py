"""Too few descriptors: what was opened before they ran out must be closed again, or they never come back."""

import contextlib
import os
import resource
from collections.abc import Iterator


def opened() -> set[int]:
    """This process's descriptors, without the one that looks."""
    return {int(name) for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")}


@contextlib.contextmanager
def only(free: int) -> Iterator[None]:
    """Inside, no more than so many can be opened; none of them may be open at the end."""
    highest = max(opened())
    fillers = [os.open(os.devnull, os.O_RDONLY)]
    while fillers[-1] <= highest:  # into the gaps
        fillers.append(os.open(os.devnull, os.O_RDONLY))
    before = opened()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (fillers[-1] + 1 + free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        left = opened() - before
        for filler in fillers:
            os.close(filler)
    assert not left, f"descriptors left: {left}"
