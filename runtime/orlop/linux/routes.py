"""Where addresses are: the kernel's answer to one question (rtnetlink(7)), and its tables."""

import socket
import struct
from ipaddress import IPv6Address, ip_address

from orlop.linux.files import read_text_or

_RTM_NEWROUTE, _RTM_GETROUTE, _NLM_F_REQUEST = 24, 26, 1
_RTA_DST, _RTA_OIF = 1, 4
_HEADER, _ROUTE, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=8BI"), struct.Struct("=HH")
_TIMEOUT = 10.0


def interface_to(address: str) -> str:
    """Name of the interface by which the node reaches an address; empty where there is no route.

    Raises ValueError for what is no address.
    """
    packed = ip_address(address).packed
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    route = _ROUTE.pack(family, len(packed) * 8, 0, 0, 0, 0, 0, 0, 0)
    attribute = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(packed), _RTA_DST) + packed
    length = _HEADER.size + len(route) + len(attribute)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as sock:
        sock.settimeout(_TIMEOUT)
        sock.send(_HEADER.pack(length, _RTM_GETROUTE, _NLM_F_REQUEST, 1, 0) + route + attribute)
        return _interface(sock.recv(8192))


def _interface(answer: bytes) -> str:
    length, kind, *_ = _HEADER.unpack_from(answer)
    if kind != _RTM_NEWROUTE:
        return ""
    at = _HEADER.size + _ROUTE.size
    while at + _ATTRIBUTE.size <= min(length, len(answer)):
        size, name = _ATTRIBUTE.unpack_from(answer, at)
        if name == _RTA_OIF:
            return socket.if_indextoname(struct.unpack_from("=I", answer, at + _ATTRIBUTE.size)[0])
        at += max(size + 3 & ~3, _ATTRIBUTE.size)
    return ""


def networks_on(interface: str) -> list[str]:
    """Networks that the node reaches behind an interface without a gateway (proc_pid_net(5): route, ipv6_route)."""
    return [
        *_networks4(read_text_or("/proc/thread-self/net/route", ""), interface),
        *_networks6(read_text_or("/proc/thread-self/net/ipv6_route", ""), interface),
    ]


def _networks4(table: str, interface: str) -> list[str]:
    """Lines: name, destination, gateway, flags, three counts, mask, …; addresses as the CPU's own 32-bit numbers."""
    found = []
    for line in table.splitlines()[1:]:
        name, destination, gateway, _, _, _, _, mask, *_ = line.split()
        length = int(mask, 16).bit_count()
        if name == interface and int(gateway, 16) == 0 and length:
            address = ip_address(struct.pack("=I", int(destination, 16)))
            found.append(f"{address}/{length}")
    return found


def _networks6(table: str, interface: str) -> list[str]:
    """Lines: destination and its length, source and its length, next hop, four numbers, name; all hexadecimal."""
    found = []
    for line in table.splitlines():
        destination, length, _, _, gateway, *_, name = line.split()
        address = IPv6Address(bytes.fromhex(destination))
        # Link-local addresses and groups are on every interface, and in no pod's name.
        special = address.is_link_local or address.is_multicast
        if name == interface and int(gateway, 16) == 0 and 0 < int(length, 16) < 128 and not special:
            found.append(f"{address}/{int(length, 16)}")
    return found
