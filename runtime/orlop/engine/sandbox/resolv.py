"""The text of a pod's resolv.conf (resolv.conf(5)). Pure; writing it is in files.py."""

import re
from ipaddress import ip_address

from orlop.model.errors import InvalidArgument
from orlop.model.pod import DNSConfig

_WORD = re.compile(r"[^\s\0-\x1f\x7f#;]{1,253}")
_MOST = {"servers": 32, "searches": 256, "options": 64}
"""Far more than any resolver reads; a bound for what is written."""


def resolv_conf(dns: DNSConfig) -> str:
    """The file for a DNSConfig. Raises InvalidArgument naming a bad entry."""
    for field, most in _MOST.items():
        count = len(getattr(dns, field))
        if count > most:
            raise InvalidArgument(f"config.dns_config.{field} has {count} entries; {most} are possible")
    lines = []
    if dns.searches:
        lines.append("search " + " ".join(_words("searches", dns.searches)))
    lines += [f"nameserver {_server(server)}" for server in dns.servers]
    if dns.options:
        lines.append("options " + " ".join(_words("options", dns.options)))
    return "".join(f"{line}\n" for line in lines)


def _words(field: str, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _WORD.fullmatch(value):
            raise InvalidArgument(f"config.dns_config.{field}: {value[:300]!r} is not a single word")
    return values


def _server(value: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        raise InvalidArgument(f"config.dns_config.servers: {value[:80]!r} is not an IP address") from None
    if not _WORD.fullmatch(value):  # the zone of an IPv6 address is free text
        raise InvalidArgument(f"config.dns_config.servers: {value[:80]!r} is not a single word")
    return value
