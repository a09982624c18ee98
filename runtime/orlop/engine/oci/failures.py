"""An OCI runtime's complaints turned into one readable sentence and the fitting error of the model."""

import re

import msgspec

from orlop.model.errors import FailedPrecondition, InvalidArgument, NotFound, OrlopError, ResourceExhausted

_LOGFMT = re.compile(r'level=(?P<level>\w+) msg=(?P<msg>"(?:[^"\\]|\\.)*"|\S+)')

# What runc says before the part that tells something.
_NOISE = re.compile(
    r"^(?:(?:runc|crun) \w+ failed: |(?:exec|container_linux\.go:\d+|OCI runtime \w+) failed: "
    r"|unable to start container process: |error during container init: )"
)

# Each runtime's words for the same thing, tried in this order.
_KINDS: tuple[tuple[re.Pattern[str], type[OrlopError]], ...] = (
    (
        re.compile(r"executable file .*not found|exec: .*(no such file|permission denied|is a directory)"),
        InvalidArgument,
    ),
    (re.compile(r"open executable|chdir (to cwd|`)|exec format error"), InvalidArgument),
    (re.compile(r"container .*does not exist|opening file `[^`]*/status`|open directory '[^']*'"), NotFound),
    (
        re.compile(r"already running|already exists|exec\.fifo|is not in `created`|not stopped|stopped container"),
        FailedPrecondition,
    ),
    (
        re.compile(r"container not running|process already finished|container `.*` is not running"),
        FailedPrecondition,
    ),
    (re.compile(r"no space left on device", re.IGNORECASE), ResourceExhausted),
)


class _Line(msgspec.Struct):
    """A line of `--log-format json`."""

    msg: str = ""
    level: str = "error"


def explain(stderr: str) -> str:
    """The last error in a runtime's log output (JSON lines, logfmt or plain), as one line."""
    told = [line for line in map(_parse, stderr.splitlines()) if line.msg]
    errors = [line.msg for line in told if line.level in ("error", "fatal")]
    # Several errors come when one step's failure makes another fail: the first is the cause.
    text = errors[0] if errors else " ".join(line.msg for line in told)
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    while (shorter := _NOISE.sub("", text)) != text:
        text = shorter
    return text or "the OCI runtime gave no reason"


def runtime_error(doing: str, stderr: str) -> OrlopError:
    """The error for a failed command; doing is for example "create container 1234"."""
    reason = explain(stderr)
    kind = next((kind for pattern, kind in _KINDS if pattern.search(reason)), OrlopError)
    return kind(f"cannot {doing}: {reason}")


def _parse(line: str) -> _Line:
    if line.startswith("{"):
        try:
            return msgspec.json.decode(line, type=_Line)
        except msgspec.DecodeError:
            pass  # words that only begin like JSON
    if found := _LOGFMT.search(line):
        text = found["msg"]
        if text.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        return _Line(msg=text, level=found["level"])
    return _Line(msg=line.strip(), level="")
