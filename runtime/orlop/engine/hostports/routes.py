"""Behind which interfaces of the node its pods are, who else is there, and opening these for 127.0.0.1."""

import logging
from collections.abc import Iterable

from orlop.linux.files import write_value
from orlop.linux.routes import interface_to, networks_on

log = logging.getLogger(__name__)


def open_to_loopback(pod_ips: Iterable[str]) -> list[str]:
    """Networks beside the pods; IPv4 packets with a loopback source may go there (route_localnet, ip-sysctl).

    Without it 127.0.0.1:<host port> cannot be answered. What the wire then could send to 127.0.0.0/8 is dropped by the
    table's own rule. IPv6 has no such switch: [::1] is not served.
    """
    interfaces: set[str] = set()
    for address in pod_ips:
        try:
            interfaces.add(interface_to(address))
        except OSError:  # gone between the answer and its name
            continue
    networks: set[str] = set()
    for interface in interfaces - {"", "lo"}:
        networks.update(networks_on(interface))
        try:
            write_value(f"/proc/sys/net/ipv4/conf/{interface}/route_localnet", "1")
        except OSError as error:
            log.warning("host ports are not served on 127.0.0.1 behind %s: %s", interface, error.strerror)
    return sorted(networks)
