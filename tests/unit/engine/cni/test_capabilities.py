"""Which runtime arguments a pod gives to plugins that ask for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.cni.attachment import Attachment
from orlop.engine.cni.capabilities import EGRESS, INGRESS, IPS, MAC, arguments_for, bits_per_second
from orlop.model.enums import Protocol
from orlop.model.errors import InvalidArgument
from orlop.model.pod import DNSConfig, PortMapping


def test_a_plain_pod_has_nothing_to_tell() -> None:
    assert arguments_for(Attachment(pod_id="p1")) == {}


def test_host_ports() -> None:
    ports = (
        PortMapping(container_port=80, host_port=8080),
        PortMapping(container_port=53, host_port=5353, protocol=Protocol.UDP, host_ip="127.0.0.1"),
        PortMapping(container_port=99),
    )
    assert arguments_for(Attachment(pod_id="p1", port_mappings=ports)) == {
        "portMappings": [
            {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
            {"hostPort": 5353, "containerPort": 53, "protocol": "udp", "hostIP": "127.0.0.1"},
        ]
    }


def test_everything_else_a_plugin_can_ask_for() -> None:
    annotations = {INGRESS: "10M", EGRESS: "1Gi"}
    dns = DNSConfig(servers=("10.96.0.10",), searches=("svc.local",), options=("ndots:5",))
    pod = Attachment(pod_id="p1", annotations=annotations, dns=dns, cgroup_path="/kubepods/pod1")
    arguments = arguments_for(pod, ("10.244.1.0/24", "fd00:1::/64"))
    burst = 2**31 - 1
    assert arguments["bandwidth"] == {
        "ingressRate": 10_000_000, "ingressBurst": burst, "egressRate": 2**30, "egressBurst": burst,
    }  # fmt: skip
    assert arguments["dns"] == {"servers": dns.servers, "searches": dns.searches, "options": dns.options}
    assert arguments["ipRanges"] == [[{"subnet": "10.244.1.0/24"}], [{"subnet": "fd00:1::/64"}]]
    assert arguments["cgroupPath"] == "/kubepods/pod1"
    assert arguments["io.kubernetes.cri.pod-annotations"] == annotations


@pytest.mark.parametrize(
    ("text", "bits"),
    [("1k", 1000), ("10M", 10**7), ("1.5G", 15 * 10**8), ("1e6", 10**6), ("2Mi", 2**21), ("1P", 10**15)],
)
def test_quantities(text: str, bits: int) -> None:
    assert bits_per_second(text, INGRESS) == bits


@pytest.mark.parametrize("text", ["", "fast", "10X", "M", "-1M", "999", "2P", "NaN", "Infinity", "1e999999", "1" * 40])
def test_what_is_no_bandwidth_is_refused_with_the_annotations_name(text: str) -> None:
    with pytest.raises(InvalidArgument, match=INGRESS):
        bits_per_second(text, INGRESS)


@given(st.text(max_size=40))
def test_any_annotation_is_a_rate_or_refused(text: str) -> None:
    try:
        assert 1000 <= bits_per_second(text, EGRESS) <= 10**15
    except InvalidArgument:
        pass  # the other allowed end


def test_addresses_are_asked_for_by_annotation_where_that_is_allowed() -> None:
    pod = Attachment(pod_id="p1", annotations={MAC: "0a:58:0a:00:00:05", IPS: "10.1.0.9/24, fd00::9/64"})
    assert not {"mac", "ips"} & arguments_for(pod).keys()
    arguments = arguments_for(pod, addresses=True)
    assert (arguments["mac"], arguments["ips"]) == ("0a:58:0a:00:00:05", ["10.1.0.9/24", "fd00::9/64"])


@pytest.mark.parametrize(
    ("annotation", "value"), [(MAC, "0a:58"), (MAC, ""), (IPS, "10.1.0"), (IPS, ""), (IPS, ",".join(["10.1.0.1"] * 17))]
)
def test_a_bad_wish_for_an_address_is_refused_by_name(annotation: str, value: str) -> None:
    with pytest.raises(InvalidArgument, match=annotation):
        arguments_for(Attachment(pod_id="p1", annotations={annotation: value}), addresses=True)
