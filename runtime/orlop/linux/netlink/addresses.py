"""Addresses of either version, and what netlink calls it."""

import socket
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Interface = IPv4Interface | IPv6Interface


def family(version: int) -> int:
    """AF_INET of 4, AF_INET6 of 6."""
    return socket.AF_INET if version == 4 else socket.AF_INET6
