"""What the daemon's own plugins are told, strictly typed: a key that is not here leaves the call to the binary.

Read from what the binary would get on stdin (the plugins' own documentation, releases 1.8 to 1.10).
"""

import re
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

import msgspec

from orlop.linux.netlink.addresses import Address, Network

VERSIONS = ("1.0.0", "1.1.0")
"""Of the specification; earlier ones have results of another shape."""
LEASES = "/var/lib/cni/networks"
"""host-local's own default."""

T = TypeVar("T")
_CIDR = re.compile(r"[0-9a-fA-F.:]{2,45}/[0-9]{1,3}")
_IP = re.compile(r"[0-9a-fA-F.:]{2,45}")


class NotOurs(Exception):
    """The binary is to do it; the text says why."""


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a plugin is told; an unknown key is an error."""


class _Range(Strict, frozen=True):
    subnet: str = ""
    range_start: str = ""
    range_end: str = ""
    gateway: str = ""


class _Route(Strict, frozen=True):
    dst: str
    gw: str = ""


class _HostLocal(_Range, frozen=True):
    type: str = ""
    ranges: list[list[_Range]] = []
    routes: list[_Route] = []
    data_dir: str = ""


class _Bridge(Strict, frozen=True):
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


class Range(msgspec.Struct, frozen=True):
    """A piece of a subnet from which addresses are given, both ends included."""

    subnet: Network
    start: Address
    end: Address
    gateway: Address

    def __contains__(self, address: Address) -> bool:
        return address.version == self.subnet.version and int(self.start) <= int(address) <= int(self.end)


class Route(msgspec.Struct, frozen=True):
    """A route of the pod; without a gateway by the first one of its IP version."""

    target: Network
    gateway: Address | None


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
    given = decoded(stdin, _Bridge)
    if given.ip_masq and given.ip_masq_backend != "nftables":
        raise NotOurs("ipMasqBackend is not nftables")
    if given.ipam.type != "host-local" or not 0 <= given.mtu < 1 << 16:
        raise NotOurs("IPAM is not host-local, or the MTU is none")
    try:
        ranges, routes = _ranges(given.ipam), tuple(_route(route) for route in given.ipam.routes)
    except ValueError as error:
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


def decoded(stdin: bytes, kind: type[T]) -> T:
    """A call's settings, of a version of the specification that is known here. Raises NotOurs."""
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
    if not found or not all(found) or any(len({each.subnet.version for each in one}) > 1 for one in found):
        raise ValueError("no range, or a set of ranges of both IP versions")
    flat = [each for one in found for each in one]
    for number, each in enumerate(flat):
        if any(each.start in other or other.start in each for other in flat[number + 1 :]):
            raise ValueError("ranges overlap")
    return found


def _range(given: _Range) -> Range:
    subnet = _network(given.subnet)
    if subnet.prefixlen > subnet.max_prefixlen - 2:
        raise ValueError(f"{subnet} is too small")
    first, last = subnet[1], subnet[-2] if subnet.version == 4 else subnet[-1]
    found = Range(
        subnet,
        address_of(given.range_start) if given.range_start else first,
        address_of(given.range_end) if given.range_end else last,
        address_of(given.gateway) if given.gateway else first,
    )
    if not (found.start in subnet and found.end in subnet and found.start in found):
        raise ValueError(f"{found.start} to {found.end} is no range of {subnet}")
    if found.gateway not in subnet:
        raise ValueError(f"{found.gateway} is no gateway of {subnet}")
    return found


def _route(given: _Route) -> Route:
    found = Route(_network(given.dst), address_of(given.gw) if given.gw else None)
    if found.gateway is not None and found.gateway.version != found.target.version:
        raise ValueError(f"{found.gateway} is no gateway to {found.target}")
    return found


def _network(text: str) -> Network:
    """Python would take a netmask too, or none."""
    if not _CIDR.fullmatch(text):
        raise ValueError(f"{text!r} is no network")
    address_of(text.partition("/")[0])
    return ip_network(text)


def address_of(text: str) -> Address:
    """Without a scope, and not one of IPv4 in IPv6's clothes, which the plugins take for IPv4. Raises ValueError."""
    found = ip_address(text)
    if not _IP.fullmatch(text) or (isinstance(found, IPv6Address) and found.ipv4_mapped):
        raise ValueError(f"{text!r} is no address as it is used here")
    return found
