"""Which configurations the daemon takes itself: what it does not know to the last key is the binary's."""

import json
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.cni.builtin.port_settings import PortMap, port_map
from orlop.engine.cni.builtin.settings import NotOurs, bridge_network

IPAM: dict[str, Any] = {"type": "host-local", "ranges": [[{"subnet": "10.9.0.0/24"}]]}
BRIDGE: dict[str, Any] = {"cniVersion": "1.0.0", "name": "pods", "type": "bridge", "ipam": IPAM}


def encoded(base: dict[str, Any] = BRIDGE, **changes: Any) -> bytes:
    return json.dumps({**base, **changes}).encode()


def test_defaults_are_the_plugins() -> None:
    network = bridge_network(encoded())
    (only,) = network.range_sets[0]
    assert (network.bridge, network.gateway, network.masquerade, network.mtu) == ("cni0", False, False, 0)
    assert (only.start, only.end, only.gateway) == tuple(map(IPv4Address, ("10.9.0.1", "10.9.0.254", "10.9.0.1")))
    assert network.leases == "/var/lib/cni/networks/pods"


def test_a_range_beside_the_others_comes_first() -> None:
    ipam = {**IPAM, "subnet": "10.8.0.0/16", "rangeStart": "10.8.0.9", "routes": [{"dst": "0.0.0.0/0"}]}
    network = bridge_network(encoded(ipam=ipam))
    assert [one[0].subnet for one in network.range_sets] == [IPv4Network("10.8.0.0/16"), IPv4Network("10.9.0.0/24")]
    assert network.range_sets[0][0].start == IPv4Address("10.8.0.9")
    assert network.routes[0].target == IPv4Network("0.0.0.0/0")


@pytest.mark.parametrize(
    "changes",
    [
        {"cniVersion": "0.4.0"},
        {"vlan": 3},
        {"ipMasq": True},
        {"ipMasq": True, "ipMasqBackend": "iptables"},
        {"mtu": -1},
        {"runtimeConfig": {"mac": "02:00:00:00:00:01"}},
        {"ipam": {**IPAM, "resolvConf": "/etc/resolv.conf"}},
        {"ipam": {**IPAM, "type": "dhcp"}},
        {"ipam": {"type": "host-local"}},
        {"ipam": {**IPAM, "ranges": [[]]}},
        {"ipam": {**IPAM, "subnet": "10.9.0.128/25"}},
        {"ipam": {**IPAM, "ranges": [[{"subnet": "10.9.0.0/255.255.255.0"}]]}},
        {"ipam": {**IPAM, "ranges": [[{"subnet": "10.9.0.1/24"}]]}},
        {"ipam": {**IPAM, "ranges": [[{"subnet": "10.9.0.0/31"}]]}},
        {"ipam": {**IPAM, "ranges": [[{"subnet": "10.9.0.0/24", "rangeStart": "10.9.1.1"}]]}},
        {"ipam": {**IPAM, "routes": [{"dst": "::/0", "gw": "10.9.0.1"}]}},
        {"ipam": {**IPAM, "ranges": [[{"subnet": "fd00::/127"}]]}},
        {"ipam": {**IPAM, "ranges": [[{"subnet": "fd00::/64", "gateway": "fd01::1"}]]}},
        {"ipam": {**IPAM, "ranges": [[{"subnet": "fd00::/64", "gateway": "10.9.0.1"}]]}},
        {"ipam": {**IPAM, "ranges": [[{"subnet": "fd00::/64", "rangeEnd": "10.9.0.1"}]]}},
        {"ipam": {**IPAM, "ranges": [[{"subnet": "fd00::/64"}, {"subnet": "10.8.0.0/24"}]]}},
        {"ipam": {**IPAM, "ranges": [[{"subnet": "fe80::%2/64"}]]}},
        {"ipam": {**IPAM, "ranges": [[{"subnet": "::ffff:10.8.0.0/112"}]]}},
        {"ipam": {**IPAM, "routes": [{"dst": "0.0.0.0/0", "priority": 5}]}},
    ],
)
def test_left_to_the_binary(changes: dict[str, Any]) -> None:
    with pytest.raises(NotOurs):
        bridge_network(encoded(**changes))


PORTMAP = {"cniVersion": "1.1.0", "name": "pods", "type": "portmap"}
PORT = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}
RESULT = {
    "interfaces": [{"name": "cni0"}, {"name": "eth0", "sandbox": "/netns"}],
    "ips": [{"address": "10.9.0.1/24", "interface": 0}, {"address": "fd00::5/64", "interface": 1},
            {"address": "10.9.0.5/24", "interface": 1}, {"address": "10.8.0.5/24", "interface": 1}],
}  # fmt: skip


def mapped(*ports: dict[str, Any], **changes: Any) -> PortMap:
    given = {"backend": "nftables", "prevResult": RESULT, "runtimeConfig": {"portMappings": ports}, **changes}
    return port_map(encoded(PORTMAP, **given), "eth0")


def test_portmap_without_ports_hands_its_result_on() -> None:
    assert port_map(encoded(PORTMAP, prevResult={"ips": []}), "eth0").result == b'{"ips": []}'
    assert port_map(encoded(PORTMAP), "eth0").result == b"null"


def test_ports_lead_to_the_interfaces_first_addresses() -> None:
    found = mapped(PORT, {**PORT, "protocol": "udp", "hostIP": "::"}, {**PORT, "hostIP": "192.0.2.1"})
    assert list(map(str, found.pod)) == ["10.9.0.5", "fd00::5"]
    assert [(port.protocol, str(port.host), port.version) for port in found.ports] == [
        (6, "None", 0), (17, "None", 6), (6, "192.0.2.1", 4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"backend": "iptables"},
        {"backend": ""},
        {"masqAll": True},
        {"conditionsV4": []},
        {"markMasqBit": 5},
        {"prevResult": {"ips": [{"address": "10.9.0.5/x"}]}},
        *({"runtimeConfig": {"portMappings": [{**PORT, **port}]}} for port in (
            {"hostPort": 0}, {"hostPort": 65536}, {"containerPort": -1}, {"protocol": "TCP"}, {"protocol": "icmp"},
            {"hostIP": "node"}, {"hostIP": "fe80::1%2"}, {"name": "web"},
        )),
    ],
)  # fmt: skip
def test_ports_left_to_the_binary(changes: dict[str, Any]) -> None:
    with pytest.raises(NotOurs):
        mapped(PORT, **changes)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["10.0.0.0/8", "fd00::/64", "host-local", "10.", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*BRIDGE, *IPAM, "mtu"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*BRIDGE, "ipMasq", "mtu", "bridge"]), _JSON))
def test_any_configuration(changes: dict[str, Any]) -> None:
    with suppress(NotOurs):
        bridge_network(encoded(**changes))


_RESULTS = st.recursive(
    st.none() | st.integers() | st.sampled_from(["10.0.0.5/8", "fd00::5/64", "fe80::1%2/64", "eth0", "", "/netns"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["ips", "interfaces", "address", "interface", "name", "sandbox"]), inner)
    ),
    max_leaves=8,
)


@given(_RESULTS | st.fixed_dictionaries({"ips": _RESULTS, "interfaces": _RESULTS}), st.lists(_JSON, max_size=2))
def test_any_result_and_ports(result: Any, ports: list[Any]) -> None:
    for mappings in (ports, [PORT]):
        with suppress(NotOurs):
            mapped(*mappings, prevResult=result)
