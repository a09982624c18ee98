"""ADD and DEL of the bridge plugin with host-local, by system calls. Both block for some milliseconds.

The order of the steps is the plugin's; what a failure leaves is what the plugin leaves, for DEL to remove. What is done
inside the pod's network namespace is in inside.py.
"""

import errno
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from ipaddress import ip_interface, ip_network
from typing import Any

import msgspec

from orlop.engine.cni.builtin import inside, masquerading
from orlop.engine.cni.builtin.leases import Leases
from orlop.engine.cni.builtin.settings import BridgeNetwork, Range, Route
from orlop.linux.files import read_text, write_value
from orlop.linux.namespaces import run_in_netns
from orlop.linux.netlink.addresses import Address, Interface
from orlop.linux.netlink.connection import NetlinkError
from orlop.linux.netlink.links import Link, Links

_NAME_TRIES = 10
_PAUSES = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.0)
"""Seconds before each look whether the bridge's port works."""
_POD_INTERFACE = 2
"""Its index in the result: the bridge and the port come first."""


class Attachment(msgspec.Struct, frozen=True):
    """The pod's end."""

    container_id: str
    ifname: str
    netns: str
    """Path of its network namespace; empty: it has gone."""

    @property
    def owner(self) -> tuple[str, str]:
        """As leases name it."""
        return self.container_id, self.ifname


def add(network: BridgeNetwork, pod: Attachment, time_limit: float) -> dict[str, Any]:
    """ADD; the result as JSON has it. time_limit: seconds to wait for the leases' lock. Raises OSError."""
    with closing(Links()) as links:
        bridge = _bridge(links, network)
        port = _port(links, network, pod)
        _own_routes(port.name)
        links.set_up(port)
        links.attach(port, bridge, hairpin=network.hairpin)
        leases = Leases(network.leases, time_limit)
        taken = leases.take(pod.owner, network.range_sets)
        try:
            return _configured(links, network, pod, (bridge, port), taken)
        except BaseException:
            leases.release(pod.owner)
            raise


def delete(network: BridgeNetwork, pod: Attachment, time_limit: float) -> None:
    """DEL. What has gone already is fine. Raises OSError."""
    if pod.netns:
        try:
            run_in_netns(pod.netns, lambda: inside.delete_link(pod.ifname))
        except FileNotFoundError:
            pass  # the namespace has gone, and its interfaces with it
    Leases(network.leases, time_limit).release(pod.owner)
    if network.masquerade:
        masquerading.remove(network.name, pod.ifname, pod.container_id)


def _configured(
    links: Links,
    network: BridgeNetwork,
    pod: Attachment,
    made: tuple[Link, Link],
    taken: Sequence[tuple[Address, Range]],
) -> dict[str, Any]:
    bridge, port = made
    addresses = [ip_interface((address, among.subnet.prefixlen)) for address, among in taken]
    gateways = [among.gateway for _, among in taken]
    routes = _routes(network, gateways)
    mac = run_in_netns(pod.netns, lambda: inside.configure(pod.ifname, addresses, routes, gateways))
    if network.gateway:
        for gateway, address in zip(gateways, addresses, strict=True):
            _ensure_address(links, bridge, ip_interface((gateway, address.network.prefixlen)))
        for version in {gateway.version for gateway in gateways}:
            _forward(version)
    if network.masquerade:
        masquerading.add(addresses, network.name, pod.ifname, pod.container_id)
    _until_operational(links, port.name)
    return {
        "cniVersion": network.version,
        "interfaces": [
            *({"name": name, "mac": links.get(name).mac} for name in (network.bridge, port.name)),
            {"name": pod.ifname, "mac": mac, "sandbox": pod.netns},
        ],
        "ips": [
            {"interface": _POD_INTERFACE, "address": str(address), "gateway": str(gateway)}
            for address, gateway in zip(addresses, gateways, strict=True)
        ],
        **({"routes": list(_told(routes))} if routes else {}),
        "dns": {},
    }


def _bridge(links: Links, network: BridgeNetwork) -> Link:
    found = links.find(network.bridge)
    if found is None:
        try:
            links.add_bridge(network.bridge, network.mtu)
        except NetlinkError as error:
            if error.errno != errno.EEXIST:  # another pod's ADD was faster
                raise
        found = links.get(network.bridge)
    if found.kind != "bridge":
        raise OSError(errno.EEXIST, f"{network.bridge} exists already and is no bridge")
    _own_routes(network.bridge)
    if not found.up:
        links.set_up(found)
    return found


def _port(links: Links, network: BridgeNetwork, pod: Attachment) -> Link:
    """The pair's end outside of the pod, under a random name such as the plugin's."""
    netns = os.open(pod.netns, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for _ in range(_NAME_TRIES):
            name = f"veth{secrets.token_hex(4)}"
            if links.find(name) is None:
                links.add_veth(pod.ifname, netns, name, network.mtu)
                return links.get(name)
    finally:
        os.close(netns)
    raise OSError(errno.EEXIST, "no name is free for an interface")


def _own_routes(name: str) -> None:
    """No routes by IPv6 router advertisements; without IPv6 in the kernel there are none."""
    try:
        write_value(f"/proc/sys/net/ipv6/conf/{name}/accept_ra", "0")
    except FileNotFoundError:
        pass


def _routes(network: BridgeNetwork, gateways: Sequence[Address]) -> list[Route]:
    """The pod's; a default route is added where it is wanted and the configuration has none with a gateway."""
    routes = list(network.routes)
    for gateway in gateways if network.default_route else ():
        default = ip_network("0.0.0.0/0" if gateway.version == 4 else "::/0")
        if not any(route.target == default and route.gateway for route in routes):
            routes.append(Route(default, gateway))
    return routes


def _told(routes: Iterable[Route]) -> Iterable[dict[str, str]]:
    for route in routes:
        yield {"dst": str(route.target), **({"gw": str(route.gateway)} if route.gateway else {})}


def _ensure_address(links: Links, bridge: Link, wanted: Interface) -> None:
    """One IPv4 address, or as many IPv6 ones as their networks are apart."""
    there = links.addresses(bridge, wanted.version)
    if wanted not in there:
        for other in there:
            if wanted.version == 4 or wanted.network.overlaps(other.network):
                told = f"{bridge.name} has the address {other} already, which is not {wanted}"
                raise OSError(errno.EADDRNOTAVAIL, told)
        try:
            links.add_address(bridge, wanted)
        except NetlinkError as error:
            if error.errno != errno.EEXIST:  # another pod's ADD was faster
                raise
    links.set_mac(bridge, bridge.mac if bridge.mac.strip("0:") else _any_mac())


def _any_mac() -> str:
    """A random one, locally administered: for a bridge that somebody made and whose last port has gone has none."""
    first, *others = secrets.token_bytes(6)
    return bytes([first & 0xFE | 0x02, *others]).hex(":")


def _forward(version: int) -> None:
    path = "/proc/sys/net/" + ("ipv4/ip_forward" if version == 4 else "ipv6/conf/all/forwarding")
    if read_text(path).strip() != "1":
        write_value(path, "1")


def _until_operational(links: Links, name: str) -> None:
    for pause in _PAUSES:
        time.sleep(pause)
        if links.get(name).operational:
            return
    raise OSError(errno.ENETDOWN, f"the bridge's port {name} does not come up")
