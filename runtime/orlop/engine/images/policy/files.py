"""policy.json of the node, and of single namespaces, on disk: read again when they change."""

import logging
import os
import re

from orlop.engine.images.files import Mark, content, mark
from orlop.engine.images.policy.document import ACCEPT_ALL, Policy, parse
from orlop.model.errors import FailedPrecondition, InvalidArgument, OrlopError

log = logging.getLogger(__name__)

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class Policies:
    """The policies. A file that breaks leaves what it said before in force; one that never could be read, nothing."""

    def __init__(self, path: str, *, required: bool, namespaced: str = "") -> None:
        """`required`: without the file nothing is let in; otherwise everything. Empty path: everything is."""
        self._path = path
        self._required = required
        self._namespaced = namespaced
        self._known: dict[str, tuple[Mark, Policy | None, str]] = {}

    @property
    def has_namespaces(self) -> bool:
        """Whether it may matter who asks."""
        return bool(self._namespaced)

    def policy(self, namespace: str = "") -> Policy:
        """What holds now for a namespace's pods. Raises InvalidArgument or FailedPrecondition."""
        if self._namespaced and _NAMESPACE.fullmatch(namespace):
            own = self._read(os.path.join(self._namespaced, f"{namespace}.json"))
            if own is not None:
                return own
        if not self._path:
            return ACCEPT_ALL
        found = self._read(self._path)
        if found is None and self._required:
            raise FailedPrecondition(f"the signature policy {self._path} (images.signature_policy) is missing")
        return found or ACCEPT_ALL

    def _read(self, path: str) -> Policy | None:
        """None: there is no such file."""
        now = mark([path])
        before = self._known.get(path)
        if before is None or before[0] != now:
            before = self._known[path] = self._again(path, now, before[1] if before else None)
        _, policy, error = before
        if error and policy is None:
            raise InvalidArgument(error)
        return policy

    def _again(self, path: str, now: Mark, old: Policy | None) -> tuple[Mark, Policy | None, str]:
        if not now:
            return now, None, ""
        try:
            return now, parse(content(path), path), ""
        except OrlopError as error:
            log.error("%s; %s", error, "no image is let in" if old is None else "what it said before stays in force")
            return now, old, str(error)
