"""Network files: what is read, and the field that a refusal names. Fuzzed."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.cni.conflist import SIZE_LIMIT, VERSIONS, BadConfig, NetworkConfig, parse
from orlop.model.errors import InvalidArgument

PATH = "/etc/cni/net.d/10-x.conflist"


def conflist(**changes: Any) -> bytes:
    content: dict[str, Any] = {"cniVersion": "1.0.0", "name": "net", "plugins": [{"type": "bridge"}], **changes}
    return json.dumps({key: value for key, value in content.items() if value is not None}).encode()


def complaint(data: bytes) -> str:
    with pytest.raises(BadConfig) as caught:
        parse(data, PATH)
    assert PATH in str(caught.value)
    return str(caught.value)


def test_a_list_gives_its_plugins_in_order_with_their_capabilities() -> None:
    portmap = {"type": "portmap", "capabilities": {"portMappings": True, "bandwidth": False}}
    config = parse(conflist(plugins=[{"type": "bridge"}, portmap]), PATH)
    assert [plugin.type for plugin in config.plugins] == ["bridge", "portmap"]
    assert config.plugins[1].capabilities == {"portMappings"}
    assert (config.name, config.path, config.cni_version) == ("net", PATH, "1.0.0")


def test_a_single_plugin_is_a_chain_of_one() -> None:
    config = parse(b'{"cniVersion": "0.3.1", "name": "one", "type": "ptp", "mtu": 1400}', PATH)
    assert [plugin.type for plugin in config.plugins] == ["ptp"]


def test_unknown_keys_are_kept_byte_for_byte() -> None:
    plugin = b'{"type":"x", "n": 1.50e3, "big": 123456789012345678901234567890}'
    data = b'{"cniVersion":"1.0.0","name":"n","plugins":[' + plugin + b"]}"
    raw = parse(data, PATH).plugins[0].raw
    assert bytes(raw["n"]) == b"1.50e3"
    assert bytes(raw["big"]) == b"123456789012345678901234567890"
    assert parse(data, PATH).text == data


@pytest.mark.parametrize("version", VERSIONS)
def test_every_known_version(version: str) -> None:
    config = parse(conflist(cniVersion=version), PATH)
    assert config.cni_version == version
    assert config.at_least("0.4.0") is (version not in ("0.3.0", "0.3.1"))


def test_the_newest_known_of_several_versions_is_taken() -> None:
    config = parse(conflist(cniVersion="0.3.1", cniVersions=["1.1.0", "0.4.0", "9.9.9"]), PATH)
    assert config.cni_version == "1.1.0"
    assert config.candidates == ("0.3.1", "0.4.0", "1.1.0")
    assert config.with_version("0.4.0").cni_version == "0.4.0"


def test_a_newer_version_with_a_known_one_beside_it_works() -> None:
    assert parse(conflist(cniVersion="2.0.0", cniVersions=["1.0.0"]), PATH).cni_version == "1.0.0"


@pytest.mark.parametrize(("spelled", "meant"), [(True, True), ("true", True), ("False", False), (False, False)])
def test_flags_may_be_strings(spelled: object, meant: bool) -> None:
    config = parse(conflist(disableCheck=spelled, disableGC=spelled), PATH)
    assert (config.disable_check, config.disable_gc) == (meant, meant)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b'{\n"cniVersion": "1.0.0",\n oops}', "line 3"),
        (b"[]", "not a JSON object"),
        (conflist(name=None), "lacks the field name"),
        (conflist(name="../up"), "bad field name: '../up'"),
        (conflist(name=7), "bad field name"),
        (conflist(cniVersion=None), "lacks the field cniVersion"),
        (conflist(cniVersion="0.2.0"), "unknown cniVersion: '0.2.0'; known are 0.3.0"),
        (conflist(cniVersion="v1"), "unknown cniVersion"),
        (conflist(cniVersions="1.0.0"), "bad field cniVersions"),
        (conflist(plugins=None), "neither the field plugins"),
        (conflist(plugins=[]), "has 0 plugins"),
        (conflist(plugins={}), "bad field plugins"),
        (conflist(plugins=[{"type": "x"}] * 65), "has 65 plugins"),
        (conflist(plugins=[{"type": "bridge"}, {}]), "lacks the field plugins[1].type"),
        (conflist(plugins=[{"type": "../sh"}]), "plugins[0].type: '../sh'"),
        (conflist(plugins=[{"type": ".."}]), "plugins[0].type"),
        (conflist(plugins=[{"type": "x", "capabilities": {"a": "yes"}}]), "bad field plugins[0].capabilities"),
        (conflist(disableGC="maybe"), "disableGC: 'maybe'"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested too deeply"),
        (b" " * (SIZE_LIMIT + 1), "larger than"),
    ],
)
def test_a_bad_file_is_told_with_its_field(data: bytes, words: str) -> None:
    assert words in complaint(data)


def test_a_bad_file_is_the_users_mistake() -> None:
    assert issubclass(BadConfig, InvalidArgument)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["cniVersion", "cniVersions", "name", "plugins", "type", "capabilities", "disableGC", "x"])


@given(st.binary(max_size=200) | st.dictionaries(keys, json_values).map(lambda value: json.dumps(value).encode()))
def test_no_input_does_worse_than_a_complaint(data: bytes) -> None:
    try:
        assert isinstance(parse(data, PATH), NetworkConfig)
    except BadConfig as error:
        assert PATH in str(error)


@given(st.dictionaries(st.text(max_size=10).filter(lambda key: key not in ("type", "capabilities")), json_values))
def test_what_a_plugin_alone_knows_survives(extra: dict[str, Any]) -> None:
    config = parse(conflist(plugins=[{"type": "x", **extra}]), PATH)
    assert msgspec.json.decode(msgspec.json.encode(config.plugins[0].raw)) == {"type": "x", **extra}
