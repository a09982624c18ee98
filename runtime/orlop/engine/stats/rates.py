"""CPU use as a rate, from the previous reading. One small entry for each object, dropped when it goes."""

import msgspec

SHORTEST_NS = 500_000_000
"""A reading sooner after the last (two clients asking) gives that one's rate: a short interval only shows noise."""
_MOST = 16384
"""Objects remembered, should somebody forget to forget: far more than a node can run."""


class _Reading(msgspec.Struct, frozen=True):
    at_ns: int
    cpu_ns: int
    rate: int


class CpuRates:
    """Nanoseconds of CPU time per second, by object."""

    def __init__(self) -> None:
        self._last: dict[str, _Reading] = {}

    def rate(self, object_id: str, at_ns: int, cpu_ns: int, born_ns: int) -> int:
        """The average since the previous reading; at the first one since the object's birth."""
        last = self._last.get(object_id)
        if last is None or cpu_ns < last.cpu_ns:  # first, or its cgroup is a new one
            last = _Reading(born_ns, 0, 0)
        elif at_ns - last.at_ns < SHORTEST_NS:
            return last.rate
        elapsed = max(at_ns - last.at_ns, 1)
        rate = (cpu_ns - last.cpu_ns) * 1_000_000_000 // elapsed
        self._last[object_id] = _Reading(at_ns, cpu_ns, rate)
        if len(self._last) > _MOST:
            del self._last[next(iter(self._last))]
        return rate

    def forget(self, object_id: str) -> None:
        """Drop an object; not known is fine."""
        self._last.pop(object_id, None)

    def __len__(self) -> int:
        return len(self._last)
