"""Names and values of sysctls: both spellings, and those that reach beyond the pod. Fuzzed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.sandbox.sysctls import fitting, normalised, plan
from orlop.model.errors import InvalidArgument


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        ("net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        ("kernel.sem", "kernel/sem"),
    ],
)
def test_both_spellings(key: str, name: str) -> None:
    assert normalised(key) == name


@pytest.mark.parametrize(
    "key",
    ["", "net", "net..ipv4", "net.", ".net", "net/../kernel/x", "net/./x", "/net/x", "net.a b", "net.x\n", "a" * 300],
)
def test_malformed_names_are_refused(key: str) -> None:
    with pytest.raises(InvalidArgument, match="malformed"):
        normalised(key)


@pytest.mark.parametrize(
    "key",
    [
        "net.core.somaxconn",
        "kernel.shmmax",
        "kernel.shm_rmid_forced",
        "kernel.msgmnb",
        "kernel.sem",
        "fs.mqueue.msg_max",
    ],
)
def test_namespaced_settings_are_planned(key: str) -> None:
    (setting,) = plan({key: "1 2"}, net=True, ipc=True)
    assert (setting.key, setting.value) == (key, "1 2")
    assert setting.path == "/proc/sys/" + key.replace(".", "/")


@pytest.mark.parametrize(
    "key",
    ["vm.swappiness", "kernel.core_pattern", "kernel.semx", "kernel.shm/../core_pattern", "fs.file-max", "netx.a"],
)
def test_the_nodes_own_settings_are_refused(key: str) -> None:
    with pytest.raises(InvalidArgument, match=r"belongs to the node|malformed"):
        plan({key: "1"}, net=True, ipc=True)


def test_the_host_name_is_not_set_this_way() -> None:
    with pytest.raises(InvalidArgument, match="hostname"):
        plan({"kernel.hostname": "x"}, net=True, ipc=True)


@pytest.mark.parametrize(("key", "kind"), [("net.ipv4.ip_forward", "network"), ("kernel.shmmax", "IPC")])
def test_settings_of_a_shared_namespace_are_refused(key: str, kind: str) -> None:
    with pytest.raises(InvalidArgument, match=f"'{key}' is refused: the pod uses the node's {kind} namespace"):
        plan({key: "1"}, net=kind != "network", ipc=kind != "IPC")


@pytest.mark.parametrize("value", ["1\n2", "1\0", "x" * 5000])
def test_odd_values_are_refused(value: str) -> None:
    with pytest.raises(InvalidArgument, match="line break"):
        plan({"net.ipv4.ip_forward": value}, net=True, ipc=True)


def test_defaults_that_do_not_apply_are_left_out() -> None:
    defaults = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "2"}
    assert fitting(defaults, net=True, ipc=False) == {"net.ipv4.ip_forward": "1"}
    assert fitting(defaults, net=False, ipc=True) == {"kernel.shmmax": "2"}


@given(st.text(max_size=40) | st.from_regex(r"(net|kernel|fs)[./][a-z./]{0,20}", fullmatch=True), st.text(max_size=5))
def test_no_name_leads_out_of_the_allowed_places(key: str, value: str) -> None:
    try:
        (setting,) = plan({key: value}, net=True, ipc=True)
    except InvalidArgument:
        return
    assert setting.path.startswith(("/proc/sys/net/", "/proc/sys/kernel/", "/proc/sys/fs/mqueue/"))
    assert not {"", ".", ".."} & set(setting.path[1:].split("/"))
    assert "\n" not in setting.value
