"""Single-use tokens: what stands in a URL for a plan, for a minute."""

import secrets
from collections.abc import Callable
from time import monotonic

from orlop.model.errors import ResourceExhausted
from orlop.services.streams import Plan

LIFETIME = 60.0
"""Seconds from the RPC to the client's coming."""
MAX_WAITING = 1000
"""Plans whose clients have not come."""


class Tokens:
    """The plans that wait for their clients."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._waiting: dict[str, tuple[float, Plan]] = {}
        """In the order of admission, which is the order of expiry."""

    def add(self, plan: Plan) -> str:
        """A token of 192 random bits. Raises ResourceExhausted when too many wait."""
        self._drop_expired()
        if len(self._waiting) >= MAX_WAITING:
            raise ResourceExhausted(f"{plan.title}: {MAX_WAITING} streams wait for their clients already")
        token = secrets.token_urlsafe(24)
        self._waiting[token] = (self._clock() + LIFETIME, plan)
        return token

    def take(self, verb: str, token: str) -> Plan | None:
        """The plan, once; None where the token is unknown, used, expired or another verb's."""
        self._drop_expired()
        found = self._waiting.get(token)
        if found is None or found[1].verb != verb:
            return None
        del self._waiting[token]
        return found[1]

    def _drop_expired(self) -> None:
        now = self._clock()
        while self._waiting:
            token = next(iter(self._waiting))
            if self._waiting[token][0] > now:
                return
            del self._waiting[token]
