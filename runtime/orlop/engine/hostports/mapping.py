"""A host port: where it is asked for, and which pod serves it. Pure."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from orlop.model.enums import Protocol
from orlop.model.errors import InvalidArgument
from orlop.model.pod import PortMapping

log = logging.getLogger(__name__)

_MOST_PORT = 65535


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class HostPort:
    """One port of the node, in one IP family, that leads to a pod."""

    family: int
    """4 or 6."""
    protocol: str
    """tcp, udp or sctp."""
    host_ip: str
    """Address of the node; empty: every one."""
    host_port: int
    pod_ip: str
    pod_port: int

    @property
    def place(self) -> tuple[int, str, str, int]:
        """What only one pod can have."""
        return (self.family, self.host_ip, self.protocol, self.host_port)


def host_ports(mappings: Sequence[PortMapping], pod_ips: Sequence[str]) -> tuple[HostPort, ...]:
    """The host ports of a pod: each mapping in each family that the pod has an address of, and the host IP allows.

    Raises InvalidArgument naming the mapping.
    """
    found = []
    for mapping in mappings:
        if not mapping.host_port:
            continue
        for port in (mapping.host_port, mapping.container_port):
            if not 0 < port <= _MOST_PORT:
                raise InvalidArgument(f"port_mappings: {port} is not a port")
        host_ip, wanted = _host_ip(mapping.host_ip)
        for family in (4, 6):
            pod_ip = next((ip for ip in pod_ips if ip_address(ip).version == family), None)
            if pod_ip is not None and wanted in (0, family):
                found.append(
                    HostPort(
                        family=family,
                        protocol=Protocol(mapping.protocol).name.lower(),
                        host_ip=host_ip,
                        host_port=mapping.host_port,
                        pod_ip=pod_ip,
                        pod_port=mapping.container_port,
                    )
                )
    return tuple(found)


def _host_ip(text: str) -> tuple[str, int]:
    """Address and family; the unspecified one of a family is every address of it, an empty text every address."""
    if not text:
        return "", 0
    try:
        if "%" in text:  # whose scope may be any text
            raise ValueError(f"{text[:80]!r} has a scope")
        address = ip_address(text)
    except ValueError as error:
        raise InvalidArgument(f"port_mappings: host_ip: {error}") from error
    return ("" if address.is_unspecified else str(address)), address.version


def near(ports: Iterable[HostPort], neighbours: Iterable[str]) -> list[str]:
    """Who could be answered past the node: the pods themselves, and the networks that they are in."""
    return sorted({*(port.pod_ip for port in ports), *neighbours})


def without_conflicts(pods: Iterable[tuple[str, Sequence[HostPort]]]) -> tuple[HostPort, ...]:
    """All ports, in order. Where two pods want the same one, the later pod has it: the earlier is about to go."""
    owners: dict[tuple[int, str, str, int], tuple[str, HostPort]] = {}
    for pod, ports in pods:
        for port in ports:
            earlier = owners.get(port.place, (pod, port))[0]
            if earlier != pod:
                log.warning("host port %s/%d of pod %s goes to pod %s", port.protocol, port.host_port, earlier, pod)
            owners[port.place] = (pod, port)
    return tuple(sorted(port for _, port in owners.values()))
