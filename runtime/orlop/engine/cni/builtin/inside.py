"""What the bridge plugin does inside of a pod's network namespace. The calling thread must be in it."""

from collections.abc import Sequence
from contextlib import closing
from ipaddress import IPv4Address, IPv4Interface

from orlop.engine.cni.builtin.settings import Route
from orlop.linux.files import write_value
from orlop.linux.netlink.links import Links


def configure(ifname: str, addresses: Sequence[IPv4Interface], routes: Sequence[Route], gateway: IPv4Address) -> str:
    """Give the interface addresses, and routes that go by `gateway` where they name none; returns its MAC."""
    _set(f"ipv6/conf/{ifname}/accept_dad", "0")
    _set(f"ipv4/conf/{ifname}/arp_notify", "1")
    with closing(Links()) as links:
        link = links.get(ifname)
        for address in addresses:
            links.add_address(link, address)
        links.set_up(link)
        for route in routes:
            links.add_route(link, route.target, route.gateway or gateway)
        return link.mac


def delete_link(ifname: str) -> None:
    """Remove the interface, and its other end with it; not there is fine."""
    with closing(Links()) as links:
        link = links.find(ifname)
        if link is not None:
            links.delete(link)


def _set(name: str, value: str) -> None:
    try:
        write_value(f"/proc/sys/net/{name}", value)
    except OSError:
        pass  # a kernel without it, or a read-only /proc/sys: the pod works without
