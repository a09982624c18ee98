"""registries.conf and its drop-ins on disk: read again when they have changed, and never half.

A change is seen when somebody asks, by the files' times and sizes: no pull goes by old rules, and nothing waits in the
background. A file that breaks leaves the last good rules in force, and is told once.
"""

import logging

from orlop.engine.images.files import Mark, content, drop_ins, mark
from orlop.engine.images.registries import document
from orlop.engine.images.registries.rules import Rules, merged
from orlop.model.errors import InvalidArgument, OrlopError

log = logging.getLogger(__name__)


class RegistriesConf:
    """The rules of a file and of the directory beside it (<file>.d/*.conf). Neither need be there."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._rules: Rules | None = None
        self._mark: Mark = (("", 0, 0, 0),)
        self._error: OrlopError | None = None

    def rules(self) -> Rules:
        """What holds now. Raises InvalidArgument naming file and key if it cannot be read and never could."""
        if not self._path:
            return Rules()
        now = mark([self._path, *drop_ins(f"{self._path}.d", ".conf")])
        if now != self._mark:
            self._read(now)
        if self._rules is None:
            raise InvalidArgument(str(self._error)) from self._error
        return self._rules

    def _read(self, now: Mark) -> None:
        self._mark, self._error = now, None
        try:
            found = merged([(path, document.parse(content(path), path)) for path, *_ in now])
        except OrlopError as error:
            self._error = error
            stays = "no image can be pulled" if self._rules is None else "what was read before stays in force"
            log.error("%s; %s", error, stays)
            return
        if self._rules is not None:
            log.info("registries read again from %s", ", ".join(found.sources) or "no file")
        self._rules = found
