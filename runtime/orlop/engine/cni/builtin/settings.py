"""What the daemon's own plugins are told, strictly typed: a key that is not here leaves the call to the binary.

Read from what the binary would get on stdin (the plugins' own documentation, releases 1.8 to 1.10). IPv4 only: with IPv6 the
bridge plugin waits for duplicate address detection, which is the larger part of its time.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import TypeVar

import msgspec

VERSIONS = ("1.0.0", "1.1.0")
"""Of the specification; earlier ones have results of another shape."""
LEASES = "/var/lib/cni/networks"
"""host-local's own default."""

T = TypeVar("T")
_CIDR = re.compile(r"[0-9.]{7,15}/[0-9]{1,2}")


class NotOurs(Exception):
    """The binary is to do it; the text says why."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    pass


class _Range(_Strict, frozen=True):
    subnet: str = ""
    range_start: str = ""
    range_end: str = ""
    gateway: str = ""


class _Route(_Strict, frozen=True):
    dst: str
    gw: str = ""


class _HostLocal(_Range, frozen=True):
    type: str = ""
    ranges: list[list[_Range]] = []
    routes: list[_Route] = []
    data_dir: str = ""


class _Bridge(_Strict, frozen=True):
    cni_version: str
    name: str
    type: str
    ipam: _HostLocal
    bridge: str = "cni0"
    is_gateway: bool = False
    is_default_gateway: bool = False
    ip_masq: bool = False
    ip_masq_backend: str = ""
    mtu: int = 0
    hairpin_mode: bool = False
    prev_result: msgspec.Raw = msgspec.Raw(b"null")


class _RuntimeConfig(_Strict, frozen=True):
    port_mappings: list[msgspec.Raw] = []


class _Portmap(_Strict, frozen=True):
    cni_version: str
    name: str
    type: str
    backend: str = "nftables"
    snat: bool = True
    masq_all: bool = False
    runtime_config: _RuntimeConfig = _RuntimeConfig()
    prev_result: msgspec.Raw = msgspec.Raw(b"null")


class Range(msgspec.Struct, frozen=True):
    """A piece of a subnet from which addresses are given, both ends included."""

    subnet: IPv4Network
    start: IPv4Address
    end: IPv4Address
    gateway: IPv4Address

    def __contains__(self, address: IPv4Address) -> bool:
        return self.start <= address <= self.end


class Route(msgspec.Struct, frozen=True):
    """A route of the pod; without a gateway by the first address's."""

    target: IPv4Network
    gateway: IPv4Address | None


class BridgeNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """The bridge plugin's and host-local's settings."""

    version: str
    name: str
    bridge: str
    gateway: bool
    """The bridge has the gateway's address."""
    default_route: bool
    masquerade: bool
    mtu: int
    hairpin: bool
    range_sets: tuple[tuple[Range, ...], ...]
    routes: tuple[Route, ...]
    leases: str
    """Directory of this network's leases."""


def bridge_network(stdin: bytes) -> BridgeNetwork:
    """Raises NotOurs."""
    given = _decoded(stdin, _Bridge)
    if given.ip_masq and given.ip_masq_backend != "nftables":
        raise NotOurs("ipMasqBackend is not nftables")
    if given.ipam.type != "host-local" or not 0 <= given.mtu < 1 << 16:
        raise NotOurs("IPAM is not host-local, or the MTU is none")
    try:
        ranges, routes = _ranges(given.ipam), tuple(_route(route) for route in given.ipam.routes)
    except (AddressValueError, ValueError) as error:
        raise NotOurs(str(error)) from error
    return BridgeNetwork(
        version=given.cni_version,
        name=given.name,
        bridge=given.bridge,
        gateway=given.is_gateway or given.is_default_gateway,
        default_route=given.is_default_gateway,
        masquerade=given.ip_masq,
        mtu=given.mtu,
        hairpin=given.hairpin_mode,
        range_sets=ranges,
        routes=routes,
        leases=f"{given.ipam.data_dir or LEASES}/{given.name}",
    )


def passed_through(stdin: bytes) -> bytes:
    """The result before portmap, which it leaves alone where no port is mapped; b"null": none. Raises NotOurs."""
    given = _decoded(stdin, _Portmap)
    if given.runtime_config.port_mappings or given.backend != "nftables":
        raise NotOurs("ports are mapped, or not by nftables")
    return bytes(given.prev_result)


def _decoded(stdin: bytes, kind: type[T]) -> T:
    try:
        given = msgspec.json.decode(stdin, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotOurs(str(error)) from error
    version: object = getattr(given, "cni_version", "")
    if version not in VERSIONS:
        raise NotOurs(f"cniVersion {version} is not {' or '.join(VERSIONS)}")
    return given


def _ranges(ipam: _HostLocal) -> tuple[tuple[Range, ...], ...]:
    """A range beside `ranges` comes first. Anything that host-local would complain about is left to it."""
    beside: list[_Range] = [ipam]
    sets = [beside, *ipam.ranges] if ipam.subnet else ipam.ranges
    found = tuple(tuple(_range(each) for each in one) for one in sets)
    flat = [each for one in found for each in one]
    if not found or not all(found):
        raise ValueError("no range")
    for number, each in enumerate(flat):
        if any(each.start <= other.end and other.start <= each.end for other in flat[number + 1 :]):
            raise ValueError("ranges overlap")
    return found


def _range(given: _Range) -> Range:
    subnet = _network(given.subnet)
    if subnet.prefixlen > 30:
        raise ValueError(f"{subnet} is too small")
    found = Range(
        subnet,
        IPv4Address(given.range_start) if given.range_start else subnet[1],
        IPv4Address(given.range_end) if given.range_end else subnet[-2],
        IPv4Address(given.gateway) if given.gateway else subnet[1],
    )
    if not (found.start in subnet and found.end in subnet and found.start <= found.end):
        raise ValueError(f"{found.start} to {found.end} is no range of {subnet}")
    return found


def _route(given: _Route) -> Route:
    return Route(_network(given.dst), IPv4Address(given.gw) if given.gw else None)


def _network(text: str) -> IPv4Network:
    """Python would take a netmask too, or none."""
    if not _CIDR.fullmatch(text):
        raise ValueError(f"{text!r} is no IPv4 network")
    return IPv4Network(text)
