"""Host ports by iptables-restore, for nodes without nft: chains of our own, filled whole each time. Pure."""

from collections.abc import Iterable, Sequence

from orlop.engine.hostports.mapping import HostPort, near

TRANSLATE, MASQUERADE, SPOOFED = "ORLOP-HOSTPORT", "ORLOP-HOSTPORT-SRC", "ORLOP-HOSTPORT-RAW"

JUMPS = (
    ("nat", "PREROUTING", f"-m addrtype --dst-type LOCAL -j {TRANSLATE}"),
    ("nat", "OUTPUT", f"-m addrtype --dst-type LOCAL -j {TRANSLATE}"),
    ("nat", "POSTROUTING", f"-m conntrack --ctstate DNAT -j {MASQUERADE}"),
    ("raw", "PREROUTING", f"-j {SPOOFED}"),
)
"""Rules that lead to our chains: table, chain, rule."""
CHAINS = (("nat", TRANSLATE), ("nat", MASQUERADE), ("raw", SPOOFED))
"""Our chains: table, chain."""


def render(ports: Sequence[HostPort], family: int, neighbours: Iterable[str] = ()) -> str:
    """Input of iptables-restore --noflush: our chains, emptied and filled. `neighbours` as for nft."""
    loopback = "127.0.0.0/8" if family == 4 else "::1/128"
    own = [port for port in ports if port.family == family]
    sources = [loopback, *(source for source in near(own, neighbours) if (":" in source) == (family == 6))]
    # A port at one address comes before the same port at every address.
    ordered = sorted(own, key=lambda port: (not port.host_ip, port))
    lines = ["*nat", f":{TRANSLATE} - [0:0]", f":{MASQUERADE} - [0:0]"]
    for port in ordered:
        at = f"-d {port.host_ip} " if port.host_ip else ""
        to = f"{port.pod_ip}:{port.pod_port}" if family == 4 else f"[{port.pod_ip}]:{port.pod_port}"
        lines.append(
            f"-A {TRANSLATE} {at}-p {port.protocol} -m {port.protocol} --dport {port.host_port} "
            f"-j DNAT --to-destination {to}"
        )
        served = f"-d {port.pod_ip} -p {port.protocol} -m {port.protocol} --dport {port.pod_port}"
        lines += [f"-A {MASQUERADE} -s {source} {served} -j MASQUERADE" for source in sources]
    lines += ["COMMIT", "*raw", f":{SPOOFED} - [0:0]"]
    if family == 4 and own:
        lines.append(f"-A {SPOOFED} ! -i lo -d {loopback} -j DROP")
    return "\n".join([*dict.fromkeys(lines), "COMMIT", ""])
