"""The CRI's Signal enum (KEP-4960) and signal(7) names, one to the other."""

import signal

_NAMED = (
    "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP "
    "TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN"
).split()

# The enum counts the plain names, then RTMIN+1 … RTMIN+15, RTMAX-14 … RTMAX-1, RTMAX.
NAMES: tuple[str, ...] = (
    "",
    *(f"SIG{name}" for name in _NAMED),
    *(f"SIGRTMIN+{n}" for n in range(1, 16)),
    *(f"SIGRTMAX-{n}" for n in range(14, 0, -1)),
    "SIGRTMAX",
)
"""Index is the CRI's number; 0 is "runtime default"."""

_ALIASES = {"SIGCLD": "SIGCHLD", "SIGIOT": "SIGABRT", "SIGPOLL": "SIGIO"}


def number(name: str) -> int:
    """Linux number of a signal given as "SIGTERM", "TERM", "RTMIN+3" or "15". Raises ValueError naming it."""
    text = name.strip().upper()
    if text.isdecimal() and 0 < int(text) <= signal.SIGRTMAX:
        return int(text)
    text = text if text.startswith("SIG") else f"SIG{text}"
    for base, sign in (("SIGRTMIN+", 1), ("SIGRTMAX-", -1)):
        offset = text.removeprefix(base)
        if offset != text and offset.isdecimal() and int(offset) <= signal.SIGRTMAX - signal.SIGRTMIN:
            return int(signal.Signals[base[:-1]]) + sign * int(offset)
    try:
        return int(signal.Signals[_ALIASES.get(text, text)])
    except KeyError:
        raise ValueError(f"no such signal: {name!r}") from None


def from_cri(value: int) -> str:
    """Name for the CRI's number; empty for 0. Raises ValueError for a number that the enum lacks."""
    if not 0 <= value < len(NAMES):
        raise ValueError(f"no such signal in the CRI: {value}")
    return NAMES[value]


def to_cri(name: str) -> int:
    """The CRI's number for a name in any form that `number` takes; the first enum entry with that Linux number."""
    wanted = number(name)
    for value, candidate in enumerate(NAMES[1:], start=1):
        if number(candidate) == wanted:
            return value
    return 0
