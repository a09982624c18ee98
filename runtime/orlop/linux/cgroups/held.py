"""Cgroup files that are held open between readings: one pread(2) each, an eighth of opening them anew.

An open file does not keep its cgroup: rmdir(2) works, and reading then says ENODEV.
"""

import os

from orlop.linux.cgroups.reading import ABSENT, LARGEST, read_file


class HeldFiles:
    """The files of one object. For one thread only: a number that is closed here may become another file's."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    def read(self, path: str) -> bytes | None:
        """Content of a file; None when the kernel does not offer it, or the cgroup is gone."""
        held = self._open.get(path)
        if held is not None:
            try:
                return os.pread(held, LARGEST, 0)
            except OSError as error:
                if error.errno not in ABSENT:
                    raise
                self.close()  # the cgroup has gone; there may be a new one of the same path
        content = read_file(path)
        if content is not None:
            self._hold(path)
        return content

    def _hold(self, path: str) -> None:
        try:
            self._open[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            pass  # gone since, or no number left: it is opened for each reading

    def close(self) -> None:
        """Close all. It may be used again."""
        for held in self._open.values():
            os.close(held)
        self._open.clear()

    def __len__(self) -> int:
        return len(self._open)
