"""WWW-Authenticate headers (RFC 9110, section 11.6.1) as values. Pure, of untrusted text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"\s*,?\s*({_TOKEN})(?:\s+|\s*$|(?=\s*,))(?!\s*=)")
_PARAMETER = re.compile(rf'\s*,?\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in that a server offers."""

    scheme: str
    """Lower case."""
    parameters: dict[str, str] = field(default_factory=dict)


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """All challenges of all such headers; what cannot be read is left out."""
    found: list[Challenge] = []
    for header in headers:
        position = 0
        while position < len(header):
            parameter = _PARAMETER.match(header, position)
            scheme = None if parameter else _SCHEME.match(header, position)
            if parameter and found:
                quoted, plain = parameter[2], parameter[3]
                value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                found[-1].parameters[parameter[1].lower()] = value
            elif scheme:
                found.append(Challenge(scheme[1].lower()))
            match = parameter or scheme
            if match is None:
                break
            position = match.end()
    return found
