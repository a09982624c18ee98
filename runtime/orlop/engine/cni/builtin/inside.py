"""What the bridge plugin does inside of a pod's network namespace. The calling thread must be in it."""

import errno
import time
from collections.abc import Sequence
from contextlib import closing

from orlop.engine.cni.builtin.settings import Route
from orlop.linux.files import read_text, write_value
from orlop.linux.netlink.addresses import Address, Interface
from orlop.linux.netlink.links import DAD_FAILED, TENTATIVE, Link, Links

_SETTLED_WITHIN = 5.0
_PAUSE = 0.001


def configure(ifname: str, addresses: Sequence[Interface], routes: Sequence[Route], gateways: Sequence[Address]) -> str:
    """Give the interface addresses, and routes that go by the first gateway of their IP version where they name none.

    Returns its MAC.
    """
    _try(f"ipv6/conf/{ifname}/accept_dad", "0")
    _try(f"ipv4/conf/{ifname}/arp_notify", "1")
    by = {gateway.version: gateway for gateway in reversed(gateways)}
    if 6 in by:
        _allow_ipv6(ifname)
    with closing(Links()) as links:
        link = links.get(ifname)
        for address in addresses:
            links.add_address(link, address)
        links.set_up(link)
        if 6 in by:
            _until_settled(links, link)
        for route in routes:
            links.add_route(link, route.target, route.gateway or by.get(route.target.version))
        return link.mac


def delete_link(ifname: str) -> None:
    """Remove the interface, and its other end with it; not there is fine."""
    with closing(Links()) as links:
        link = links.find(ifname)
        if link is not None:
            links.delete(link)


def _allow_ipv6(ifname: str) -> None:
    for name in ("lo", ifname):
        try:
            if read_text(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").strip() == "0":
                continue
        except OSError:
            continue  # a kernel without it tells so when it is given the address
        _set(f"ipv6/conf/{name}/disable_ipv6", "0")
    _set(f"ipv6/conf/{ifname}/keep_addr_on_down", "1")


def _until_settled(links: Links, link: Link) -> None:
    """Until no address waits for duplicate address detection; the kernel does even without it some steps later."""
    end = time.monotonic() + _SETTLED_WITHIN
    while True:
        states = links.states(link)
        for address, flags in states:
            if flags & DAD_FAILED:
                raise OSError(errno.EADDRINUSE, f"{link.name}: {address.ip} is somebody else's")
        if not any(flags & TENTATIVE for _, flags in states):
            return
        if time.monotonic() > end:
            raise OSError(errno.ETIMEDOUT, f"{link.name} has tentative addresses after {_SETTLED_WITHIN:g} s")
        time.sleep(_PAUSE)


def _set(name: str, value: str) -> None:
    write_value(f"/proc/sys/net/{name}", value)


def _try(name: str, value: str) -> None:
    try:
        _set(name, value)
    except OSError:
        pass  # a kernel without it, or a read-only /proc/sys: the pod works without
