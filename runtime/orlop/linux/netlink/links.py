"""Interfaces, addresses and routes of one network namespace (rtnetlink(7)), as far as pod networks need them."""

import errno
import socket
import struct
from ipaddress import ip_interface

import msgspec

from orlop.linux.netlink.addresses import Address, Interface, Network, family
from orlop.linux.netlink.connection import ROUTE, Connection, NetlinkError
from orlop.linux.netlink.messages import (
    CREATE,
    EXCLUSIVE,
    Message,
    attribute,
    attributes,
    nested,
    string,
    text,
)

_NEWLINK, _DELLINK, _GETLINK, _SETLINK = 16, 17, 18, 19
_NEWADDR, _GETADDR = 20, 22
_NEWROUTE, _GETROUTE = 24, 26
_ADDRESS, _BROADCAST, _IFNAME, _MTU, _MASTER, _PROTINFO, _TXQLEN, _OPERSTATE, _LINKINFO, _NET_NS_FD = (
    1, 2, 3, 4, 10, 12, 13, 16, 18, 28,
)  # fmt: skip
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_PORT_MODE, _PORT_ISOLATED = 4, 33
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
TENTATIVE, DAD_FAILED = 0x40, 0x08
"""Flags of an address that waits for duplicate address detection, and of one that is somebody else's."""
_UP = 1
_OPERSTATE_UP = 6
_LINK = struct.Struct("=BxHiII")
"""ifinfomsg: family, type, index, flags, change."""
_ADDR = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_AF_BRIDGE = 7
_MAIN_TABLE, _BOOT, _UNICAST = 254, 3, 1


class Link(msgspec.Struct, frozen=True):
    """An interface."""

    index: int
    name: str
    mac: str
    """Colon-separated; empty: it has none."""
    kind: str
    """"bridge", "veth" …; empty for what is no virtual device."""
    up: bool
    """Administratively."""
    operational: bool
    master: int


class Links:
    """The interfaces of the network namespace in which this was made."""

    def __init__(self) -> None:
        self._connection = Connection(ROUTE)

    def close(self) -> None:
        """Close the socket."""
        self._connection.__exit__(None, None, None)

    def find(self, name: str) -> Link | None:
        """The interface of this name."""
        try:
            answers = self._connection.request(_GETLINK, _link() + text(_IFNAME, name), what=f"look up {name}")
        except NetlinkError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
        return _parsed(answers[0]) if answers else None

    def get(self, name: str) -> Link:
        """The interface of this name. Raises NetlinkError ENODEV."""
        found = self.find(name)
        if found is None:
            raise NetlinkError(errno.ENODEV, f"there is no interface {name}")
        return found

    def add_bridge(self, name: str, mtu: int) -> None:
        """Make a bridge; mtu 0 is the kernel's default. Raises NetlinkError EEXIST."""
        body = _link() + text(_IFNAME, name) + _mtu(mtu) + nested(_LINKINFO, text(_INFO_KIND, "bridge"))
        self._connection.request(_NEWLINK, body, CREATE | EXCLUSIVE, what=f"make bridge {name}")

    def add_veth(self, name: str, netns: int, peer: str, mtu: int) -> None:
        """Make a pair: `name` in the namespace of an open descriptor, `peer` here, which queues nothing.

        Raises NetlinkError EEXIST.
        """
        unqueued = attribute(_TXQLEN, bytes(4))
        other = nested(_VETH_PEER, _link(), text(_IFNAME, peer), _mtu(mtu), unqueued)
        info = nested(_LINKINFO, text(_INFO_KIND, "veth"), nested(_INFO_DATA, other))
        inside = attribute(_NET_NS_FD, struct.pack("=I", netns))
        body = _link() + text(_IFNAME, name) + _mtu(mtu) + inside + info
        self._connection.request(_NEWLINK, body, CREATE | EXCLUSIVE, what=f"make interfaces {name} and {peer}")

    def set_up(self, link: Link) -> None:
        """Administratively up."""
        self._connection.request(_NEWLINK, _link(link.index, _UP, _UP), what=f"set {link.name} up")

    def attach(self, port: Link, bridge: Link, *, hairpin: bool) -> None:
        """Make it a port of the bridge, not isolated from the others."""
        master = attribute(_MASTER, struct.pack("=I", bridge.index))
        self._connection.request(_SETLINK, _link(port.index) + master, what=f"attach {port.name} to {bridge.name}")
        options = nested(_PROTINFO, attribute(_PORT_MODE, bytes([hairpin])), attribute(_PORT_ISOLATED, bytes([False])))
        body = _link(port.index, family=_AF_BRIDGE) + options
        self._connection.request(_SETLINK, body, what=f"set hairpin mode of {port.name}")

    def set_mac(self, link: Link, mac: str) -> None:
        """Colon-separated. A bridge that was given one does not change it with its ports."""
        value = attribute(_ADDRESS, bytes.fromhex(mac.replace(":", "")))
        self._connection.request(_SETLINK, _link(link.index) + value, what=f"set the MAC of {link.name}")

    def delete(self, link: Link) -> None:
        """Remove it, and of a pair the other end."""
        self._connection.request(_DELLINK, _link(link.index), what=f"delete {link.name}")

    def addresses(self, link: Link, version: int) -> list[Interface]:
        """Its addresses of IP version 4 or 6, link-local ones too."""
        return [address for address, _ in self._addresses(link, version)]

    def states(self, link: Link) -> list[tuple[Interface, int]]:
        """Its IPv6 addresses with their flags (TENTATIVE, DAD_FAILED)."""
        return self._addresses(link, 6)

    def add_address(self, link: Link, address: Interface) -> None:
        """Give it an address, an IPv4 one with the network's broadcast address. Raises NetlinkError EEXIST."""
        own, prefix = address.ip.packed, address.network.prefixlen
        body = _ADDR.pack(family(address.version), prefix, 0, 0, link.index)
        body += attribute(_IFA_LOCAL, own) + attribute(_IFA_ADDRESS, own)
        if address.version == 4 and prefix < 31:
            body += attribute(_IFA_BROADCAST, address.network.broadcast_address.packed)
        self._connection.request(_NEWADDR, body, CREATE | EXCLUSIVE, what=f"give {link.name} the address {address}")

    def add_route(self, link: Link, target: Network, gateway: Address | None) -> None:
        """A route in the main table; None: the target is on the link."""
        body = _ROUTE.pack(family(target.version), target.prefixlen, 0, 0, _MAIN_TABLE, _BOOT, 0, _UNICAST, 0)
        body += attribute(_RTA_DST, target.network_address.packed)
        if gateway is not None:
            body += attribute(_RTA_GATEWAY, gateway.packed)
        body += attribute(_RTA_OIF, struct.pack("=I", link.index))
        self._connection.request(_NEWROUTE, body, CREATE, what=f"add the route to {target} by {gateway or link.name}")

    def towards(self, address: Address) -> str:
        """Name of the interface by which packets to an address go; empty: none."""
        body = _ROUTE.pack(family(address.version), address.max_prefixlen, 0, 0, 0, 0, 0, 0, 0)
        body += attribute(_RTA_DST, address.packed)
        try:
            (answer, *_) = self._connection.request(_GETROUTE, body, what=f"look up the route to {address}")
            index = int.from_bytes(attributes(answer.body[_ROUTE.size :])[_RTA_OIF], "little")
            (answer, *_) = self._connection.request(_GETLINK, _link(index), what=f"look up interface {index}")
        except (NetlinkError, ValueError, KeyError):
            return ""
        return _parsed(answer).name

    def _addresses(self, link: Link, version: int) -> list[tuple[Interface, int]]:
        found = []
        for answer in self._connection.dump(_GETADDR, _ADDR.pack(family(version), 0, 0, 0, 0), what="list addresses"):
            _, prefix, flags, _, index = _ADDR.unpack_from(answer.body)
            values = attributes(answer.body[_ADDR.size :])
            local = values.get(_IFA_LOCAL) or values.get(_IFA_ADDRESS)
            if index == link.index and local is not None:
                found.append((ip_interface((local, prefix)), flags))
        return found


def _link(index: int = 0, flags: int = 0, change: int = 0, *, family: int = socket.AF_UNSPEC) -> bytes:
    return _LINK.pack(family, 0, index, flags, change)


def _mtu(mtu: int) -> bytes:
    return attribute(_MTU, struct.pack("=I", mtu)) if mtu else b""


def _parsed(answer: Message) -> Link:
    _, _, index, flags, _ = _LINK.unpack_from(answer.body)
    values = attributes(answer.body[_LINK.size :])
    info = attributes(values.get(_LINKINFO, b""))
    return Link(
        index=index,
        name=string(values[_IFNAME]),
        mac=values.get(_ADDRESS, b"").hex(":"),
        kind=string(info.get(_INFO_KIND, b"")),
        up=bool(flags & _UP),
        operational=values.get(_OPERSTATE) == bytes([_OPERSTATE_UP]),
        master=int.from_bytes(values.get(_MASTER, b""), "little"),
    )
