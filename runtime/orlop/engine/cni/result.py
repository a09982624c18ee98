"""What plugins print: results and errors, parsed with suspicion. Plugins come from third parties; sizes are bounded.

A result is handed on byte for byte (`raw`); only what we use ourselves is typed and checked.
"""

from ipaddress import ip_interface
from typing import TypeVar

import msgspec

T = TypeVar("T")

OUTPUT_LIMIT = 1 << 20
"""Bytes that a plugin may print."""
_MAX_ITEMS = 256
_EXCERPT = 400


class BadOutput(ValueError):
    """A plugin printed something that the specification does not allow."""


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """An interface that a plugin made."""

    name: str
    mac: str = ""
    sandbox: str = ""
    """Path of the network namespace it is in; empty: the node's."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An address that a plugin gave."""

    address: str
    """With prefix length: "10.88.0.5/16"."""
    gateway: str = ""
    interface: int | None = None
    """Index into the result's interfaces."""


class CniResult(msgspec.Struct, frozen=True, kw_only=True):
    """A result of ADD."""

    raw: bytes
    """As the plugin printed it."""
    interfaces: tuple[Interface, ...] = ()
    addresses: tuple[Address, ...] = ()

    def pod_ips(self, ifname: str) -> tuple[str, ...]:
        """The pod's own addresses without prefix length, in the plugin's order; the first is the pod's IP.

        An address without an interface is the pod's: simple plugins name none.
        """
        return tuple(dict.fromkeys(
            str(ip_interface(item.address).ip) for item in self.addresses if self._in_pod(item, ifname)
        ))  # fmt: skip

    def _in_pod(self, item: Address, ifname: str) -> bool:
        if item.interface is None:
            return True
        interface = self.interfaces[item.interface]
        return interface.name == ifname and bool(interface.sandbox)


class _Interface(msgspec.Struct):
    name: str = ""
    mac: str = ""
    sandbox: str | None = ""


class _Address(msgspec.Struct):
    address: str
    gateway: str | None = ""
    interface: int | None = None


class _Result(msgspec.Struct):
    interfaces: list[_Interface] | None = None
    ips: list[_Address] | None = None


class PluginReport(msgspec.Struct, frozen=True):
    """The specification's error object."""

    code: int = 0
    msg: str = ""
    details: str = ""

    def __str__(self) -> str:
        text = "; ".join(part for part in (_bounded(self.msg), _bounded(self.details)) if part) or "no message"
        return f"{text} (code {self.code})" if self.code else text


class _Versions(msgspec.Struct):
    supported_versions: list[str] = msgspec.field(default_factory=list, name="supportedVersions")


def parse_result(output: bytes) -> CniResult:
    """A result of ADD. Raises BadOutput naming the field."""
    if not output.strip():
        raise BadOutput("it printed no result")
    parsed = _decode(output, _Result)
    interfaces, ips = parsed.interfaces or [], parsed.ips or []
    if len(interfaces) > _MAX_ITEMS or len(ips) > _MAX_ITEMS:
        raise BadOutput(f"its result has more than {_MAX_ITEMS} interfaces or addresses")
    return CniResult(
        raw=output.strip(),
        interfaces=tuple(Interface(name=item.name, mac=item.mac, sandbox=item.sandbox or "") for item in interfaces),
        addresses=tuple(_address(item, index, len(interfaces)) for index, item in enumerate(ips)),
    )


def _address(item: _Address, index: int, interfaces: int) -> Address:
    try:
        ip_interface(item.address)
    except ValueError:
        raise BadOutput(f"ips[{index}].address of its result is no address: {item.address[:80]!r}") from None
    if item.interface is not None and not 0 <= item.interface < interfaces:
        raise BadOutput(f"ips[{index}].interface of its result is {item.interface}; it has {interfaces} interfaces")
    return Address(address=item.address, gateway=item.gateway or "", interface=item.interface)


def parse_report(stdout: bytes, stderr: bytes, returncode: int) -> PluginReport:
    """The error of a plugin that failed; whatever it printed, if that is not the specification's error object."""
    try:
        report = msgspec.json.decode(stdout, type=PluginReport)
        if report.msg or report.code:
            return report
    except (msgspec.DecodeError, RecursionError):
        pass  # a plugin that crashed prints anything; it is quoted below
    said = excerpt(stderr) or excerpt(stdout) or "it printed nothing"
    ended = f"signal {-returncode}" if returncode < 0 else f"exit status {returncode}"
    return PluginReport(msg=f"{ended}: {said}")


def parse_versions(output: bytes) -> tuple[str, ...]:
    """Versions that a plugin supports (VERSION). Raises BadOutput."""
    return tuple(_decode(output, _Versions).supported_versions[:_MAX_ITEMS])


def _decode(output: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(output, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadOutput(f"it printed no valid result ({error}): {excerpt(output)}") from error


def excerpt(data: bytes) -> str:
    """The end of some output in one printable line: that is where programs say why."""
    text = data[-4 * _EXCERPT :].decode(errors="replace")
    return _bounded(" ".join(text.split()), end=True)


def _bounded(text: str, *, end: bool = False) -> str:
    clean = "".join(char if char.isprintable() else " " for char in text.strip())
    if len(clean) <= _EXCERPT:
        return clean
    return f"…{clean[-_EXCERPT:]}" if end else f"{clean[:_EXCERPT]}…"
