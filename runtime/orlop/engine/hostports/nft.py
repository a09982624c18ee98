"""Host ports as one nftables table, written whole in one transaction (nft(8)). Nothing else is touched. Pure.

A connection from the node itself to 127.0.0.1 leaves with a loopback source, which no pod could answer, and one of a
pod to its neighbour's host port would be answered past the node: both get the node's address.
"""

from collections.abc import Iterable, Sequence

from orlop.engine.hostports.mapping import HostPort, near

TABLE = "orlop_host_ports"

REMOVE = f"table inet {TABLE}\ndelete table inet {TABLE}\n"
"""Removes it, whether or not it is there."""

_TABLE = """{remove}table inet {table} {{
  map at4 {{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; {at4} }}
  map any4 {{ type inet_proto . inet_service : ipv4_addr . inet_service; {any4} }}
  map at6 {{ type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; {at6} }}
  map any6 {{ type inet_proto . inet_service : ipv6_addr . inet_service; {any6} }}
  chain spoofed {{
    type filter hook prerouting priority raw; policy accept;
    iifname != "lo" ip daddr 127.0.0.0/8 drop
  }}
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump translate
  }}
  chain output {{
    type nat hook output priority -100; policy accept;
    fib daddr type local jump translate
  }}
  chain translate {{
    dnat ip to ip daddr . meta l4proto . th dport map @at4
    dnat ip to meta l4proto . th dport map @any4
    dnat ip6 to ip6 daddr . meta l4proto . th dport map @at6
    dnat ip6 to meta l4proto . th dport map @any6
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
{served}
  }}
  chain from_here {{
    ip saddr 127.0.0.0/8 masquerade
{near}
  }}
}}
"""


def render(ports: Sequence[HostPort], neighbours: Iterable[str]) -> str:
    """The script. `neighbours` are the networks behind the interfaces that lead to the pods."""
    if not ports:
        return REMOVE
    return _TABLE.format(
        remove=REMOVE,
        table=TABLE,
        at4=_elements(_element(port) for port in ports if port.family == 4 and port.host_ip),
        any4=_elements(_element(port) for port in ports if port.family == 4 and not port.host_ip),
        at6=_elements(_element(port) for port in ports if port.family == 6 and port.host_ip),
        any6=_elements(_element(port) for port in ports if port.family == 6 and not port.host_ip),
        near="\n".join(f"    {_ip(network)} saddr {network} masquerade" for network in near(ports, neighbours)),
        served="\n".join(f"    {_served(port)}" for port in ports),
    )


def _element(port: HostPort) -> str:
    at = f"{port.host_ip} . " if port.host_ip else ""
    return f"{at}{port.protocol} . {port.host_port} : {port.pod_ip} . {port.pod_port}"


def _elements(elements: Iterable[str]) -> str:
    joined = ", ".join(elements)
    return f"elements = {{ {joined} }}" if joined else ""


def _ip(address: str) -> str:
    return "ip6" if ":" in address else "ip"


def _served(port: HostPort) -> str:
    ip = _ip(port.pod_ip)
    return (
        f"meta l4proto {port.protocol} ct original proto-dst {port.host_port} "
        f"{ip} daddr {port.pod_ip} th dport {port.pod_port} goto from_here"
    )
