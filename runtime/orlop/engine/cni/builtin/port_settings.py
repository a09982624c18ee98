"""What portmap is told, as strictly as in settings.py."""

import socket
from ipaddress import ip_interface

import msgspec

from orlop.engine.cni.builtin.settings import NotOurs, Strict, address_of, decoded
from orlop.linux.netlink.addresses import Address

_PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP, "sctp": socket.IPPROTO_SCTP}


class _Port(Strict, frozen=True):
    host_port: int
    container_port: int
    protocol: str
    host_ip: str = msgspec.field(default="", name="hostIP")


class _RuntimeConfig(Strict, frozen=True):
    port_mappings: list[_Port] = []


class _Portmap(Strict, frozen=True):
    cni_version: str
    name: str
    type: str
    backend: str = ""
    snat: bool = True
    masq_all: bool = False
    runtime_config: _RuntimeConfig = _RuntimeConfig()
    prev_result: msgspec.Raw = msgspec.Raw(b"null")


class _Interface(msgspec.Struct, frozen=True):
    name: str
    sandbox: str = ""


class _Ip(msgspec.Struct, frozen=True):
    address: str
    interface: int | None = None


class _Result(msgspec.Struct, frozen=True):
    interfaces: list[_Interface] = []
    ips: list[_Ip] = []


class Port(msgspec.Struct, frozen=True):
    """A port of the node that leads into the pod."""

    protocol: int
    """IPPROTO_*."""
    port: int
    inside: int
    host: Address | None
    """The one address of the node where it is open; None: all."""
    version: int
    """Only for this IP version; 0: for both."""


class PortMap(msgspec.Struct, frozen=True):
    """The plugin's settings for one pod."""

    ports: tuple[Port, ...]
    masquerade: bool
    """What comes from the node itself, or from the pod through the node's port."""
    pod: tuple[Address, ...]
    """The pod's first address of each IP version; for DEL none."""
    result: bytes
    """Of the plugin before, JSON, which is portmap's result too; b"null": there is none."""


def port_map(stdin: bytes, ifname: str) -> PortMap:
    """Raises NotOurs."""
    given = decoded(stdin, _Portmap)
    mapped = given.runtime_config.port_mappings
    if given.backend != "nftables" and (mapped or given.backend):
        raise NotOurs("ports are not mapped by nftables")
    if given.masq_all and mapped:
        raise NotOurs("masqAll differs from release to release")
    result = bytes(given.prev_result)
    try:
        ports = tuple(_port(each) for each in mapped)
        pod = _addresses(result, ifname) if ports and result != b"null" else ()
    except (ValueError, RecursionError) as error:
        raise NotOurs(str(error)) from error
    return PortMap(ports=ports, masquerade=given.snat, pod=pod, result=result)


def _port(given: _Port) -> Port:
    if given.protocol not in _PROTOCOLS or not all(
        0 < port < 1 << 16 for port in (given.host_port, given.container_port)
    ):
        raise ValueError(f"{given} is no port")
    host = address_of(given.host_ip) if given.host_ip else None
    return Port(
        protocol=_PROTOCOLS[given.protocol],
        port=given.host_port,
        inside=given.container_port,
        host=None if host is None or host.is_unspecified else host,
        version=host.version if host else 0,
    )


def _addresses(result: bytes, ifname: str) -> tuple[Address, ...]:
    """The first of each IP version that no other interface has."""
    told = msgspec.json.decode(result, type=_Result)
    found: dict[int, Address] = {}
    for each in told.ips:
        if each.interface is not None and 0 <= each.interface < len(told.interfaces):
            interface = told.interfaces[each.interface]
            if interface.name != ifname or not interface.sandbox:
                continue
        address = address_of(str(ip_interface(each.address).ip))
        found.setdefault(address.version, address)
    return tuple(found[version] for version in sorted(found))
