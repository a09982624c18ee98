"""nftables by netlink (linux/netfilter/nf_tables.h): tables, chains and rules as `nft` would write them.

A `Ruleset` collects changes that the kernel takes over together. Expressions are those that nft makes of the rule in
their docstring, so that `nft list ruleset` shows the rule again.
"""

import struct

import msgspec

from orlop.linux.netlink.addresses import Address, Network
from orlop.linux.netlink.connection import NETFILTER, Connection
from orlop.linux.netlink.messages import APPEND, CREATE, REQUEST, attribute, attributes, message, nested, string, text

_SUBSYSTEM = 10 << 8
_BATCH_BEGIN, _BATCH_END = 16, 17
_NEWTABLE, _NEWCHAIN, _NEWRULE, _GETRULE, _DELRULE = (_SUBSYSTEM | number for number in (0, 3, 6, 7, 8))
INET, IP, IP6 = 1, 2, 10
"""Families of tables."""
_GENMSG = struct.Struct(">BBH")
PREROUTING, OUTPUT, POSTROUTING = 0, 3, 4
_DNAT_PRIORITY, _SNAT_PRIORITY = -100, 100
_NETWORK_HEADER, _TRANSPORT_HEADER = 1, 2
_META_NFPROTO, _META_L4PROTO = 15, 16
_IPV4, _IPV6 = 2, 10
_EQ, _NEQ = 0, 1
_RETURN, _GOTO, _JUMP = -5, -4, -3
_DNAT = 1
_FIB_ADDRESS_TYPE, _FIB_DESTINATION, _LOCAL = 3, 2, 2
_COMMENT = 0
"""Kind of the user data in which nft keeps a comment, of rules, chains and tables alike (libnftnl's udata.h)."""

Expressions = tuple[bytes, ...]


class Rule(msgspec.Struct, frozen=True):
    """A rule that is there."""

    handle: int
    comment: str


def rules(connection: Connection, table: str, chain: str, family: int = INET) -> list[Rule]:
    """Rules of a table's chain in order; none where the chain is not there."""
    body = _general(family) + text(1, table) + text(2, chain)
    found = []
    for answer in connection.dump(_GETRULE, body, what=f"list the rules of {table} {chain}"):
        values = attributes(answer.body[_GENMSG.size :])
        if string(values[1]) == table and string(values[2]) == chain:
            found.append(Rule(int.from_bytes(values[3], "big"), _comment(values.get(7, b""))))
    return found


class Ruleset:
    """Changes of one table."""

    def __init__(self, table: str, family: int = INET) -> None:
        self._family = family
        self._table = text(1, table)
        self._name = table
        self._requests: list[tuple[int, int, bytes, str]] = []

    def add_table(self, comment: str) -> None:
        """Make the table where it is not there."""
        self._append(_NEWTABLE, CREATE, self._table + attribute(6, _userdata(comment)), "make the table")

    def add_chain(self, name: str, comment: str = "") -> None:
        """Make a chain where it is not there."""
        body = self._table + text(3, name) + (attribute(12, _userdata(comment)) if comment else b"")
        self._append(_NEWCHAIN, CREATE, body, f"make chain {name}")

    def add_nat_chain(self, name: str, hook: int) -> None:
        """Make a base chain of type nat in one of the hooks above where it is not there, at nft's usual priority."""
        priority = _SNAT_PRIORITY if hook == POSTROUTING else _DNAT_PRIORITY
        place = nested(4, attribute(1, _big(hook)), attribute(2, _big(priority)))
        self._append(_NEWCHAIN, CREATE, self._table + text(3, name) + place + text(7, "nat"), f"make chain {name}")

    def flush(self, chain: str) -> None:
        """Remove all rules of a chain that is there."""
        self._append(_DELRULE, 0, self._table + text(2, chain), f"flush chain {chain}")

    def add_rule(self, chain: str, expressions: Expressions, comment: str = "") -> None:
        """Append a rule."""
        body = self._table + text(2, chain) + nested(4, *(nested(1, each) for each in expressions))
        if comment:
            body += attribute(7, _userdata(comment))
        self._append(_NEWRULE, CREATE | APPEND, body, f"add a rule to {chain}")

    def delete_rule(self, chain: str, rule: Rule) -> None:
        """Remove one rule."""
        body = self._table + text(2, chain) + attribute(3, struct.pack(">Q", rule.handle))
        self._append(_DELRULE, 0, body, f"delete a rule of {chain}")

    def commit(self, connection: Connection) -> None:
        """Have the kernel take over all changes, or none. Raises NetlinkError naming the first that it refuses."""
        frame = _GENMSG.pack(0, 0, _SUBSYSTEM >> 8)
        begin, end = (message(kind, REQUEST, 0, frame) for kind in (_BATCH_BEGIN, _BATCH_END))
        connection.batch(begin, self._requests, end)

    def _append(self, kind: int, flags: int, body: bytes, what: str) -> None:
        self._requests.append((kind, flags, _general(self._family) + body, f"nftables table {self._name}: {what}"))


def open_nftables() -> Connection:
    """A connection for `rules` and `Ruleset.commit`, in the thread's network namespace."""
    return Connection(NETFILTER)


def from_address(address: Address) -> Expressions:
    """`ip saddr == 10.0.0.5` or `ip6 saddr == fd00::5`, without the look at the protocol."""
    offset, size = (12, 4) if address.version == 4 else (8, 16)
    return _payload(offset, size), _compare(_EQ, address.packed)


def to_network(network: Network, *, other: bool = False) -> Expressions:
    """`ip daddr == 10.0.0.0/16` or `ip6 daddr == ff00::/8`; with `other` it is `!=`. Without the look at the protocol.

    Whole bytes are compared without a mask, as nft does it.
    """
    operation = _NEQ if other else _EQ
    offset, size = (16, 4) if network.version == 4 else (24, 16)
    packed, whole = network.network_address.packed, network.prefixlen // 8
    if network.prefixlen % 8 == 0 and whole:
        return _payload(offset, whole), _compare(operation, packed[:whole])
    return _payload(offset, size), _mask(network.netmask.packed), _compare(operation, packed)


def protocol(version: int) -> Expressions:
    """What precedes a look at addresses in an inet table: whether the packet is IPv4 or IPv6 at all."""
    load = _expression("meta", attribute(2, _big(_META_NFPROTO)), attribute(1, _big(1)))
    return load, _compare(_EQ, bytes([_IPV4 if version == 4 else _IPV6]))


def returning() -> bytes:
    """`return`."""
    return _verdict(attribute(1, _big(_RETURN)))


def going_to(chain: str) -> bytes:
    """`goto chain`."""
    return _verdict(attribute(1, _big(_GOTO)), text(2, chain))


def jumping_to(chain: str) -> bytes:
    """`jump chain`."""
    return _verdict(attribute(1, _big(_JUMP)), text(2, chain))


def to_this_node() -> Expressions:
    """`fib daddr type local`."""
    asked = attribute(1, _big(1)), attribute(2, _big(_FIB_ADDRESS_TYPE)), attribute(3, _big(_FIB_DESTINATION))
    return _expression("fib", *asked), _compare(_EQ, struct.pack("=I", _LOCAL))


def to_address(address: Address) -> Expressions:
    """`ip daddr 10.0.0.5` or `ip6 daddr fd00::5`, without the look at the protocol."""
    offset, size = (16, 4) if address.version == 4 else (24, 16)
    return _payload(offset, size), _compare(_EQ, address.packed)


def to_port(protocol_number: int, port: int) -> Expressions:
    """`tcp dport 80`, of any protocol that has its ports where TCP has them."""
    load = _expression("meta", attribute(2, _big(_META_L4PROTO)), attribute(1, _big(1)))
    of_protocol = load, _compare(_EQ, bytes([protocol_number]))
    return *of_protocol, _payload(2, 2, _TRANSPORT_HEADER), _compare(_EQ, struct.pack(">H", port))


def translate(address: Address, port: int) -> Expressions:
    """`dnat to 10.0.0.5:80`, in a table of the address's own family."""
    values = enumerate((address.packed, struct.pack(">H", port)), 1)
    loads = [_expression("immediate", attribute(1, _big(at)), nested(2, attribute(1, value))) for at, value in values]
    numbers = ((1, _DNAT), (2, IP if address.version == 4 else IP6), (3, 1), (5, 2))
    return *loads, _expression("nat", *(attribute(kind, _big(value)) for kind, value in numbers))


def masquerade() -> bytes:
    """`masquerade`."""
    return _expression("masq")


def _expression(name: str, *parts: bytes) -> bytes:
    return text(1, name) + nested(2, *parts)


def _payload(offset: int, size: int, header: int = _NETWORK_HEADER) -> bytes:
    numbers = enumerate((1, header, offset, size), 1)
    return _expression("payload", *(attribute(kind, _big(value)) for kind, value in numbers))


def _compare(operation: int, value: bytes) -> bytes:
    return _expression("cmp", attribute(1, _big(1)), attribute(2, _big(operation)), nested(3, attribute(1, value)))


def _mask(mask: bytes) -> bytes:
    registers = [attribute(1, _big(1)), attribute(2, _big(1)), attribute(3, _big(len(mask)))]
    values = [nested(4, attribute(1, mask)), nested(5, attribute(1, bytes(len(mask))))]
    return _expression("bitwise", *registers, *values)


def _verdict(*parts: bytes) -> bytes:
    return _expression("immediate", attribute(1, _big(0)), nested(2, nested(2, *parts)))


def _general(family: int) -> bytes:
    return _GENMSG.pack(family, 0, 0)


def _big(value: int) -> bytes:
    return struct.pack(">i", value)


def _userdata(comment: str) -> bytes:
    value = comment.encode() + b"\0"
    return bytes([_COMMENT, len(value)]) + value


def _comment(userdata: bytes) -> str:
    at = 0
    while at + 2 <= len(userdata):
        kind, length = userdata[at], userdata[at + 1]
        if kind == _COMMENT:
            return string(userdata[at + 2 : at + 2 + length])
        at += 2 + length
    return ""
