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
_INET = 1
_GENMSG = struct.Struct(">BBH")
_POSTROUTING, _SNAT_PRIORITY = 4, 100
_NETWORK_HEADER = 1
_META_NFPROTO = 15
_IPV4, _IPV6 = 2, 10
_EQ, _NEQ = 0, 1
_RETURN, _GOTO = -5, -4
_COMMENT = 0
"""Kind of the user data in which nft keeps a comment, of rules, chains and tables alike (libnftnl's udata.h)."""

Expressions = tuple[bytes, ...]


class Rule(msgspec.Struct, frozen=True):
    """A rule that is there."""

    handle: int
    comment: str


def rules(connection: Connection, table: str, chain: str) -> list[Rule]:
    """Rules of a chain in an inet table, in order; none where the chain is not there."""
    body = _general() + text(1, table) + text(2, chain)
    found = []
    for answer in connection.dump(_GETRULE, body, what=f"list the rules of {table} {chain}"):
        values = attributes(answer.body[_GENMSG.size :])
        if string(values[1]) == table and string(values[2]) == chain:
            found.append(Rule(int.from_bytes(values[3], "big"), _comment(values.get(7, b""))))
    return found


class Ruleset:
    """Changes of one inet table."""

    def __init__(self, table: str) -> None:
        self._table = text(1, table)
        self._name = table
        self._requests: list[tuple[int, int, bytes, str]] = []

    def add_table(self, comment: str) -> None:
        """Make the table where it is not there."""
        self._append(_NEWTABLE, CREATE, self._table + attribute(6, _userdata(comment)), "make the table")

    def add_chain(self, name: str, comment: str) -> None:
        """Make a chain where it is not there."""
        body = self._table + text(3, name) + attribute(12, _userdata(comment))
        self._append(_NEWCHAIN, CREATE, body, f"make chain {name}")

    def add_nat_postrouting(self, name: str) -> None:
        """Make a base chain of type nat in the hook postrouting where it is not there."""
        hook = nested(4, attribute(1, _big(_POSTROUTING)), attribute(2, _big(_SNAT_PRIORITY)))
        self._append(_NEWCHAIN, CREATE, self._table + text(3, name) + hook + text(7, "nat"), f"make chain {name}")

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
        self._requests.append((kind, flags, _general() + body, f"nftables table {self._name}: {what}"))


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


def masquerade() -> bytes:
    """`masquerade`."""
    return _expression("masq")


def _expression(name: str, *parts: bytes) -> bytes:
    return text(1, name) + nested(2, *parts)


def _payload(offset: int, size: int) -> bytes:
    numbers = enumerate((1, _NETWORK_HEADER, offset, size), 1)
    return _expression("payload", *(attribute(kind, _big(value)) for kind, value in numbers))


def _compare(operation: int, value: bytes) -> bytes:
    return _expression("cmp", attribute(1, _big(1)), attribute(2, _big(operation)), nested(3, attribute(1, value)))


def _mask(mask: bytes) -> bytes:
    registers = [attribute(1, _big(1)), attribute(2, _big(1)), attribute(3, _big(len(mask)))]
    values = [nested(4, attribute(1, mask)), nested(5, attribute(1, bytes(len(mask))))]
    return _expression("bitwise", *registers, *values)


def _verdict(*parts: bytes) -> bytes:
    return _expression("immediate", attribute(1, _big(0)), nested(2, nested(2, *parts)))


def _general() -> bytes:
    return _GENMSG.pack(_INET, 0, 0)


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
