"""ADD and DEL of portmap with its nftables back end, by netlink: the rules of release 1.10.

Releases 1.6 to 1.8 keep ports of one address in a chain of their own, to which is jumped here too, and also lead away
what comes from outside to somebody else's address. Every release finds the others' rules: by their comment, the pod's
id.
"""

import logging
from collections.abc import Iterator
from contextlib import closing
from ipaddress import IPv4Address
from socket import IPPROTO_UDP

from orlop.engine.cni.builtin.port_settings import Port, PortMap
from orlop.linux.files import write_value
from orlop.linux.netlink import nftables
from orlop.linux.netlink.addresses import Address
from orlop.linux.netlink.conntrack import forget_datagrams
from orlop.linux.netlink.links import Links
from orlop.linux.netlink.nftables import Expressions, Ruleset

log = logging.getLogger(__name__)

_TABLE, _ABOUT = "cni_hostport", "CNI portmap plugin"
_PORTS, _OLD_PORTS, _ALL_PORTS, _MASQUERADING = "hostports", "hostip_hostports", "hostports_all", "masquerading"
_HOOKS = (("prerouting", nftables.PREROUTING), ("output", nftables.OUTPUT))
_LOOPBACK = IPv4Address("127.0.0.1")


def add(ports: PortMap, container_id: str) -> bytes:
    """ADD; the result. Raises OSError."""
    for pod in ports.pod:
        with nftables.open_nftables() as connection:
            _changes(ports, pod, container_id).commit(connection)
        _forget(ports, pod.version)
        if ports.masquerade and pod.version == 4:
            _let_loopback_out(pod)
    return ports.result


def delete(ports: PortMap, container_id: str) -> bytes:
    """DEL; the result, which is none. Rules that are not there are fine. Raises OSError."""
    if ports.ports:
        with nftables.open_nftables() as connection:
            for family in (nftables.IP, nftables.IP6):
                changes, found = Ruleset(_TABLE, family), False
                for chain in (_PORTS, _OLD_PORTS, _MASQUERADING):
                    for rule in nftables.rules(connection, _TABLE, chain, family):
                        if rule.comment == container_id:
                            changes.delete_rule(chain, rule)
                            found = True
                if found:
                    changes.commit(connection)
        for version in (4, 6):  # else whoever opens the port next is not found by those who used it before
            _forget(ports, version)
    return b""


def _changes(ports: PortMap, pod: Address, container_id: str) -> Ruleset:
    changes = Ruleset(_TABLE, nftables.IP if pod.version == 4 else nftables.IP6)
    changes.add_table(_ABOUT)
    for chain in (_PORTS, _OLD_PORTS, _ALL_PORTS):
        changes.add_chain(chain)
    changes.flush(_ALL_PORTS)
    for chain in (_OLD_PORTS, _PORTS):
        changes.add_rule(_ALL_PORTS, (nftables.jumping_to(chain),))
    for chain, hook in _HOOKS:
        changes.add_nat_chain(chain, hook)
        changes.flush(chain)
        changes.add_rule(chain, (*nftables.to_this_node(), nftables.jumping_to(_ALL_PORTS)))
    if ports.masquerade:
        changes.add_nat_chain(_MASQUERADING, nftables.POSTROUTING)
    for port in ports.ports:
        if port.version in (0, pod.version):
            changes.add_rule(_PORTS, _leading(port, pod), container_id)
    if ports.masquerade:
        for source in _masqueraded(pod):
            match = (*nftables.from_address(source), *nftables.to_address(pod))
            changes.add_rule(_MASQUERADING, (*match, nftables.masquerade()), container_id)
    return changes


def _leading(port: Port, pod: Address) -> Expressions:
    host = nftables.to_address(port.host) if port.host else ()
    return *host, *nftables.to_port(port.protocol, port.port), *nftables.translate(pod, port.inside)


def _masqueraded(pod: Address) -> Iterator[Address]:
    """The pod itself, whose answers would not come back otherwise, and the node's loopback address."""
    yield pod
    if pod.version == 4:
        yield _LOOPBACK


def _forget(ports: PortMap, version: int) -> None:
    for port in ports.ports:
        if port.protocol == IPPROTO_UDP:
            try:
                forget_datagrams(port.port, version)
            except (OSError, ValueError) as error:
                log.warning("senders to UDP host port %d may be led wrong for a while: %s", port.port, error)


def _let_loopback_out(pod: Address) -> None:
    """To the pod; the kernel otherwise takes such packets for forged."""
    with closing(Links()) as links:
        name = links.towards(pod)
    if name:
        write_value(f"/proc/sys/net/ipv4/conf/{name}/route_localnet", "1")
