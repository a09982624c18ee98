"""Connections that the kernel tracks (linux/netfilter/nfnetlink_conntrack.h), as far as old UDP ones are forgotten."""

import socket
import struct

from orlop.linux.netlink.addresses import family
from orlop.linux.netlink.connection import NETFILTER, Connection, NetlinkError
from orlop.linux.netlink.messages import attribute, attributes, nested

_GET, _DELETE = 0x101, 0x102
_GENMSG = struct.Struct(">BBH")
_ORIGINAL, _ZONE, _FILTER = 1, 18, 25
_PROTOCOL_PART = 2
_NUMBER, _TO_PORT = 1, 3
_BY_NUMBER_AND_PORT = 1 << 3 | 1 << 5


def forget_datagrams(port: int, version: int) -> int:
    """Forget what was sent to this UDP port before its rules changed; returns how many connections. Raises OSError.

    version: 4 or 6. Kernels since 5.8 look for them; earlier ones tell all that they track.
    """
    wanted = attribute(_NUMBER, bytes([socket.IPPROTO_UDP])) + attribute(_TO_PORT, struct.pack(">H", port))
    general = _GENMSG.pack(family(version), 0, 0)
    asked = nested(_ORIGINAL, nested(_PROTOCOL_PART, wanted))
    asked += nested(_FILTER, attribute(1, struct.pack("=I", _BY_NUMBER_AND_PORT)))
    forgotten = 0
    with Connection(NETFILTER) as connection:
        for answer in connection.dump(_GET, general + asked, what="list tracked connections"):
            values = attributes(answer.body[_GENMSG.size :])
            protocol = attributes(attributes(values.get(_ORIGINAL, b"")).get(_PROTOCOL_PART, b""))
            if any(protocol.get(kind) != value for kind, value in attributes(wanted).items()):
                continue
            named = nested(_ORIGINAL, values[_ORIGINAL])
            if _ZONE in values:
                named += attribute(_ZONE, values[_ZONE])
            try:
                connection.request(_DELETE, general + named, what="forget a tracked connection")
            except NetlinkError:
                continue  # it has ended meanwhile
            forgotten += 1
    return forgotten
