"""The bridge plugin's masquerading by nftables: a rule for each pod's address in a table of the plugins' own.

A rule is known by its comment, which begins with hashes of network and attachment; the plugin finds and collects rules
by them too.
"""

import hashlib
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from orlop.linux.netlink import nftables
from orlop.linux.netlink.addresses import Interface
from orlop.linux.netlink.nftables import Ruleset

_TABLE, _CHAIN, _HOOK = "cni_plugins_masquerade", "masq_checks", "postrouting"
_ABOUT_TABLE = "Masquerading for plugins from github.com/containernetworking/plugins"
_ABOUT_CHAIN = "Masquerade traffic from certain IPs to any (non-multicast) IP outside their subnet"
_LONGEST_COMMENT = 128


def add(addresses: Iterable[Interface], network: str, ifname: str, container_id: str) -> None:
    """Masquerade what the pod sends beyond its network. Rules that an earlier try left are replaced."""
    with nftables.open_nftables() as connection:
        changes = Ruleset(_TABLE)
        changes.add_table(_ABOUT_TABLE)
        changes.add_chain(_CHAIN, _ABOUT_CHAIN)
        changes.add_nat_chain(_HOOK, nftables.POSTROUTING)
        changes.flush(_HOOK)
        for version, multicast in ((4, IPv4Network("224.0.0.0/4")), (6, IPv6Network("ff00::/8"))):
            match = nftables.protocol(version), nftables.to_network(multicast)
            changes.add_rule(_HOOK, (*match[0], *match[1], nftables.returning()))
        changes.add_rule(_HOOK, (nftables.going_to(_CHAIN),))
        for rule in nftables.rules(connection, _TABLE, _CHAIN):
            if rule.comment.startswith(_identity(network, ifname, container_id)):
                changes.delete_rule(_CHAIN, rule)
        for address in addresses:
            match = nftables.from_address(address.ip), nftables.to_network(address.network, other=True)
            expressions = (*nftables.protocol(address.version), *match[0], *match[1], nftables.masquerade())
            changes.add_rule(_CHAIN, expressions, comment(network, ifname, container_id))
        changes.commit(connection)


def remove(network: str, ifname: str, container_id: str) -> None:
    """Remove the pod's rules; none there is fine."""
    with nftables.open_nftables() as connection:
        changes, found = Ruleset(_TABLE), False
        for rule in nftables.rules(connection, _TABLE, _CHAIN):
            if rule.comment.startswith(_identity(network, ifname, container_id)):
                changes.delete_rule(_CHAIN, rule)
                found = True
        if found:
            changes.commit(connection)


def comment(network: str, ifname: str, container_id: str) -> str:
    """The comment of a pod's rules."""
    names = f"net: {network}, if: {ifname}, id: {container_id}".replace('"', "")
    return f"{_identity(network, ifname, container_id)}, {names}"[:_LONGEST_COMMENT]


def _identity(network: str, ifname: str, container_id: str) -> str:
    return f"{_hash(network)}-{_hash(f'{ifname}:{container_id}')}"


def _hash(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()[:16]
