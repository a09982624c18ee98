"""Which host ports a pod has, and who gets one that two want."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.hostports import iptables, nft
from orlop.engine.hostports.mapping import HostPort, host_ports, without_conflicts
from orlop.model.enums import Protocol
from orlop.model.errors import InvalidArgument
from orlop.model.pod import PortMapping


def port(host_port: int = 80, pod_ip: str = "10.1.0.2", **more: object) -> HostPort:
    fields: dict[str, object] = {
        "family": 4, "protocol": "tcp", "host_ip": "", "host_port": host_port, "pod_ip": pod_ip, "pod_port": 8080,
    }  # fmt: skip
    return HostPort(**{**fields, **more})  # type: ignore[arg-type]  # fields of the tests


def test_each_family_of_the_pod_has_the_port() -> None:
    found = host_ports([PortMapping(container_port=8080, host_port=80)], ["10.1.0.2", "fd00::2"])
    assert [(item.family, item.pod_ip) for item in found] == [(4, "10.1.0.2"), (6, "fd00::2")]


@pytest.mark.parametrize(
    ("host_ip", "families", "at"),
    [
        ("192.168.0.1", [4], "192.168.0.1"),
        ("0.0.0.0", [4], ""),
        ("::", [6], ""),
        ("FD00:0::1", [6], "fd00::1"),
        ("127.0.0.1", [4], "127.0.0.1"),
    ],
)
def test_a_host_ip_chooses_the_family(host_ip: str, families: list[int], at: str) -> None:
    mapping = PortMapping(container_port=53, host_port=5353, host_ip=host_ip, protocol=Protocol.UDP)
    found = host_ports([mapping], ["10.1.0.2", "fd00::2"])
    assert [item.family for item in found] == families
    assert {(item.host_ip, item.protocol) for item in found} == {(at, "udp")}


def test_what_asks_for_no_host_port_has_none() -> None:
    assert host_ports([PortMapping(container_port=80)], ["10.1.0.2"]) == ()
    assert host_ports([PortMapping(container_port=80, host_port=80)], []) == ()


@pytest.mark.parametrize(
    "mapping",
    [
        PortMapping(container_port=80, host_port=65536),
        PortMapping(container_port=0, host_port=80),
        PortMapping(container_port=80, host_port=-1),
        PortMapping(container_port=80, host_port=80, host_ip="node"),
        PortMapping(container_port=80, host_port=80, host_ip="fe80::1%x }; flush ruleset"),
        PortMapping(container_port=80, host_port=80, host_ip='1.1.1.1 }; flush ruleset; add table "'),
    ],
)
def test_a_bad_mapping_is_refused(mapping: PortMapping) -> None:
    with pytest.raises(InvalidArgument, match="port_mappings"):
        host_ports([mapping], ["10.1.0.2"])


def test_the_later_pod_has_a_port_that_two_want(caplog: pytest.LogCaptureFixture) -> None:
    old, new, other = port(), port(pod_ip="10.1.0.3"), port(81)
    assert without_conflicts([("old", (old, other)), ("new", (new,))]) == (new, other)
    assert "pod old goes to pod new" in caplog.text


@given(st.text(max_size=30), st.integers(), st.integers())
def test_no_mapping_gets_words_into_a_script(host_ip: str, host_port: int, container_port: int) -> None:
    mapping = PortMapping(container_port=container_port, host_port=host_port, host_ip=host_ip)
    try:
        found = host_ports([mapping], ["10.1.0.2", "fd00::2"])
    except InvalidArgument:
        return
    assert all(set(item.host_ip) <= set("0123456789abcdef.:") for item in found)


def test_without_ports_nothing_is_left() -> None:
    assert nft.render([], []) == nft.REMOVE
    assert "-A" not in iptables.render([], 4)


def test_a_port_at_one_address_comes_before_the_same_at_all() -> None:
    lines = iptables.render([port(), port(host_ip="192.168.0.1", pod_ip="10.1.0.9")], 4).splitlines()
    translated = [line for line in lines if "DNAT" in line]
    assert ["-d 192.168.0.1" in line for line in translated] == [True, False]
