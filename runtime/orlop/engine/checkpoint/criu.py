"""CRIU, the program that OCI runtimes call to dump and restore processes: where it is, and whether it works here."""

import os
import re

from orlop.aio.process import CommandError, run
from orlop.model.errors import Unsupported

TIME_LIMIT = 30.0
SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Criu:
    """One binary, or none."""

    def __init__(self, path: str) -> None:
        """path: empty where none is installed."""
        self._path = path
        self._works = ""

    @property
    def search_path(self) -> str:
        """PATH for an OCI runtime, which looks for "criu" in it."""
        return f"{os.path.dirname(self._path)}:{SEARCHED}" if self._path else SEARCHED

    async def require(self) -> str:
        """Its version. Raises Unsupported saying what is missing, unless it works on this kernel."""
        if not self._path:
            raise Unsupported("criu is not installed: install it, or set checkpoint.criu to it")
        if not self._works:
            version = await self._asked("--version")
            await self._asked("check")
            found = re.search(r"Version: (\S+)", version)
            self._works = found[1] if found else "unknown"
        return self._works

    async def _asked(self, argument: str) -> str:
        try:
            finished = await run([self._path, argument], timeout=TIME_LIMIT, env={"PATH": self.search_path})
        except (CommandError, OSError) as error:
            raise Unsupported(f"criu does not work on this node ({self._path} {argument}): {error}") from error
        return finished.stdout.decode(errors="replace")


def last_errors(log_path: str, *, most: int = 3) -> str:
    """The last errors of a log of CRIU's, for a message; empty where there are none."""
    try:
        with open(log_path, encoding="utf-8", errors="replace") as log:
            lines = [line.strip() for line in log if "Error (" in line]
    except OSError:
        return ""
    return "; ".join(re.sub(r"^\([\d.]+\)\s*(\d+: )?", "", line)[:300] for line in lines[-most:])
