"""Results and errors as plugins print them, the malformed ones too. Fuzzed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.cni.result import BadOutput, excerpt, parse_report, parse_result, parse_versions

BRIDGE = {
    "cniVersion": "1.0.0",
    "interfaces": [
        {"name": "cni0", "mac": "aa:aa:aa:aa:aa:aa"},
        {"name": "veth1234"},
        {"name": "eth0", "mac": "bb:bb:bb:bb:bb:bb", "sandbox": "/run/ns/net"},
        {"name": "net1", "sandbox": "/run/ns/net"},
    ],
    "ips": [
        {"address": "10.1.0.5/16", "gateway": "10.1.0.1", "interface": 2},
        {"address": "fd00::5/64", "interface": 2},
        {"address": "192.168.7.7/24", "interface": 3},
        {"address": "10.1.0.1/16", "interface": 0},
    ],
    "dns": {},
}


def test_the_pods_addresses_are_those_on_its_interface_in_order() -> None:
    result = parse_result(json.dumps(BRIDGE).encode())
    assert result.pod_ips("eth0") == ("10.1.0.5", "fd00::5")
    assert result.pod_ips("net1") == ("192.168.7.7",)
    assert result.pod_ips("veth1234") == ()


def test_an_address_without_interface_is_the_pods() -> None:
    assert parse_result(b'{"ips": [{"version": "4", "address": "10.2.0.9/24"}]}').pod_ips("eth0") == ("10.2.0.9",)


def test_a_result_is_kept_as_printed() -> None:
    printed = b'  {"ips": null, "x": {"big": 123456789012345678901234567890}}\n'
    assert parse_result(printed).raw == printed.strip()


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b"", "no result"),
        (b" \n", "no result"),
        (b"Segmentation fault", "Segmentation fault"),
        (b"[]", "no valid result"),
        (b'{"ips": [{"address": "300.1.1.1/8"}]}', "ips[0].address"),
        (b'{"ips": [{"gateway": "10.0.0.1"}]}', "address"),
        (b'{"ips": [{"address": "10.0.0.1/8", "interface": 1}], "interfaces": [{"name": "a"}]}', "ips[0].interface"),
        (b'{"ips": [{"address": "10.0.0.1/8", "interface": -1}]}', "ips[0].interface"),
        (json.dumps({"ips": [{"address": "10.0.0.1/8"}] * 257}).encode(), "more than 256"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "no valid result"),
    ],
)
def test_a_bad_result_is_told_with_its_field(output: bytes, words: str) -> None:
    with pytest.raises(BadOutput) as caught:
        parse_result(output)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_an_error_object_gives_its_words_and_code() -> None:
    printed = json.dumps({"cniVersion": "1.0.0", "code": 7, "msg": "Invalid Configuration", "details": "too small"})
    report = parse_report(printed.encode(), b"log line", 1)
    assert report.code == 7
    assert str(report) == "Invalid Configuration; too small (code 7)"


@pytest.mark.parametrize(
    ("stdout", "stderr", "status", "text"),
    [
        (b"", b"panic: nil map\ngoroutine 1", 2, "exit status 2: panic: nil map goroutine 1"),
        (b"what\x1b[31m", b"", 1, "exit status 1: what [31m"),
        (b"", b"", -9, "signal 9: it printed nothing"),
        (b"{}", b"", 1, "exit status 1: {}"),
        (b'{"code": "seven"}', b"", 3, 'exit status 3: {"code": "seven"}'),
    ],
)
def test_a_plugin_that_crashed_is_quoted(stdout: bytes, stderr: bytes, status: int, text: str) -> None:
    assert str(parse_report(stdout, stderr, status)) == text


def test_long_output_is_cut_at_its_begin() -> None:
    assert excerpt(b"x" * 5000 + b" the reason").endswith("the reason")
    assert len(excerpt(b"x" * 5000)) < 500


def test_versions() -> None:
    assert parse_versions(b'{"cniVersion":"1.0.0","supportedVersions":["0.4.0","1.0.0"]}') == ("0.4.0", "1.0.0")
    with pytest.raises(BadOutput):
        parse_versions(b"usage: plugin")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.just("10.0.0.1/8"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["address", "name", "x"]), inner),
    max_leaves=6,
)
results = st.dictionaries(st.sampled_from(["ips", "interfaces", "cniVersion", "dns"]), values)


@given(st.binary(max_size=300) | results.map(lambda value: json.dumps(value).encode()))
def test_no_output_does_worse_than_a_complaint(output: bytes) -> None:
    assert str(parse_report(output, output, 1)).isprintable()
    try:
        parse_result(output).pod_ips("eth0")
    except BadOutput as error:
        assert str(error)
