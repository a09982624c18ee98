"""Resource limits of processes (getrlimit(2)) as the configuration writes them: "nofile=1024:4096"."""

from orlop.model.base import Value

NAMES = frozenset(
    "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split()
)
INFINITY = (1 << 64) - 1


class Rlimit(Value):
    """One limit; -1 in the text is INFINITY."""

    name: str
    """In lower case, without "RLIMIT_"."""
    soft: int
    hard: int


def parse(text: str) -> Rlimit:
    """ "name=soft:hard", or "name=both". Raises ValueError with what is wrong."""
    name, equals, values = text.partition("=")
    if not equals or name not in NAMES:
        raise ValueError(f"{text!r} is not name=soft:hard, where the name is one of {', '.join(sorted(NAMES))}")
    soft, _, hard = values.partition(":")
    limit = Rlimit(name=name, soft=_number(soft, text), hard=_number(hard or soft, text))
    if limit.soft > limit.hard:
        raise ValueError(f"{text!r}: the soft limit is above the hard one")
    return limit


def _number(value: str, text: str) -> int:
    if value == "-1":
        return INFINITY
    if not (value.isascii() and value.isdigit()) or int(value) > INFINITY:
        raise ValueError(f"{text!r}: {value!r} is not a number, or -1 for no limit")
    return int(value)
