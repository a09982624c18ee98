"""How a plugin is executed: by default as the program it is. The one seam for executing some of them otherwise.

Who calls, in what order and with which input is the same for every way: it is in plugin.py, chain.py and request.py.
"""

import asyncio
import errno
from collections.abc import Mapping
from typing import Protocol

import msgspec

from orlop.aio.process import Finished, run
from orlop.engine.cni.result import OUTPUT_LIMIT

_BUSY_PAUSES = (0.1, 0.3, 0.6, 1.0, 2.0)
"""Seconds between tries while somebody is writing the binary (ETXTBSY): network installers copy over it."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of one plugin."""

    kind: str
    """The plugin's type."""
    path: str
    """Its binary, which exists."""
    stdin: bytes
    """Its configuration, JSON."""
    environment: Mapping[str, str]
    """All of it, CNI_COMMAND and the daemon's variables too."""
    timeout: float
    """Seconds."""


class Execute(Protocol):
    """Executes a plugin to its end, whatever its exit status.

    Raises CommandTimeout when it did not end in time, CommandError when it printed more than OUTPUT_LIMIT, OSError when
    it cannot be started.
    """

    async def __call__(self, call: Call) -> Finished: ...


async def run_binary(call: Call) -> Finished:
    """Run the plugin's binary."""
    for pause in (*_BUSY_PAUSES, None):
        try:
            return await run(
                [call.path],
                stdin=call.stdin,
                env=call.environment,
                timeout=call.timeout,
                limit=OUTPUT_LIMIT,
                check=False,
            )
        except OSError as error:
            if error.errno != errno.ETXTBSY or pause is None:
                raise
            await asyncio.sleep(pause)
    raise AssertionError("the last try returns or raises")
