"""Plugins in the daemon's process against the binaries: the same interfaces, rules, leases and results, and either
takes down what the other made. What both leave in the kernel is read by ip, nft and as files.
"""

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest

from orlop.aio.process import Finished
from orlop.engine.cni import chain
from orlop.engine.cni.builtin.executing import InProcess
from orlop.engine.cni.conflist import NetworkConfig, parse
from orlop.engine.cni.execution import Call, Execute, run_binary
from orlop.engine.cni.failures import PluginError
from orlop.engine.cni.plugin import Plugins
from orlop.engine.cni.request import Request
from orlop.linux import namespaces
from orlop.linux.namespaces import run_in_netns
from tests.harness.network import PLUGIN_DIR
from tests.parts.tools import tool

LIMIT = 60.0
BRIDGE = "otip"
TABLE = "cni_plugins_masquerade"
FULL = {
    "type": "bridge",
    "bridge": BRIDGE,
    "isGateway": True,
    "ipMasq": True,
    "ipMasqBackend": "nftables",
    "hairpinMode": True,
    "mtu": 1400,
    "ipam": {"ranges": [[{"subnet": "10.77.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]},
}
TWO_RANGES = {
    "type": "bridge",
    "bridge": BRIDGE,
    "isDefaultGateway": True,
    "ipMasq": True,
    "ipMasqBackend": "nftables",
    "ipam": {
        "ranges": [
            [
                {
                    "subnet": "10.77.16.0/20",
                    "rangeStart": "10.77.16.9",
                    "rangeEnd": "10.77.16.40",
                    "gateway": "10.77.16.10",
                }
            ]
        ],
        "routes": [{"dst": "192.0.2.0/24", "gw": "10.77.16.11"}],
    },
}
DUAL = {
    "type": "bridge",
    "bridge": BRIDGE,
    "isDefaultGateway": True,
    "ipMasq": True,
    "ipMasqBackend": "nftables",
    "hairpinMode": True,
    "ipam": {
        "ranges": [
            [{"subnet": "10.77.0.0/16"}],
            [{"subnet": "fd00:77:0:5::/64", "rangeStart": "fd00:77:0:5::1:0"}],
            [{"subnet": "fd00:77:0:8::/61"}],
        ],
        "routes": [{"dst": "2001:db8::/32"}, {"dst": "2001:db8:1::/48", "gw": "fd00:77:0:5::9"}],
    },
}
SIX = {
    "type": "bridge",
    "bridge": BRIDGE,
    "isGateway": True,
    "ipMasq": True,
    "ipMasqBackend": "nftables",
    "ipam": {"ranges": [[{"subnet": "fd00:77::/112", "gateway": "fd00:77::ff"}]], "routes": [{"dst": "::/0"}]},
}
PLAIN = {"type": "bridge", "bridge": BRIDGE, "ipam": {"subnet": "10.77.3.128/25"}}
CASES = {"full": FULL, "two ranges": TWO_RANGES, "plain": PLAIN, "dual stack": DUAL, "IPv6 only": SIX}


@dataclass
class Node:
    """A node's network, whose plugins are executed in one way or the other."""

    directory: Path
    binaries: str
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Kind and command of each binary that ran."""
    pods: list[str] = field(default_factory=list)

    def config(self, bridge: dict[str, Any], version: str = "1.0.0") -> NetworkConfig:
        ipam = {"type": "host-local", "dataDir": str(self.directory / "leases"), **bridge["ipam"]}
        portmap = {"type": "portmap", "backend": "nftables", "capabilities": {"portMappings": True}}
        conflist = {"cniVersion": version, "name": "inproc", "plugins": [{**bridge, "ipam": ipam}, portmap]}
        return parse(json.dumps(conflist).encode(), "test.conflist")

    async def run(self, call: Call) -> Finished:
        self.asked.append((call.kind, call.environment["CNI_COMMAND"]))
        return await run_binary(call)

    def plugins(self, execute: Execute | None = None) -> Plugins:
        return Plugins([self.binaries], {"PATH": os.environ["PATH"]}, execute or self.run)

    def pod(self, name: str, capabilities: dict[str, Any] | None = None) -> Request:
        path = self.directory / name
        if str(path) not in self.pods:
            namespaces.pin_new(["net"], {"net": str(path)})
            self.pods.append(str(path))
        args = (("IgnoreUnknown", "1"), ("K8S_POD_NAME", name))
        return Request(
            pod_id=f"id-{name}", ifname="eth0", netns=str(path), args=args, capabilities=capabilities or {}, pod=name
        )

    def end(self) -> None:
        for path in self.pods:
            namespaces.unpin(path)
        self.pods.clear()
        subprocess.run(["ip", "link", "del", BRIDGE], check=False, capture_output=True)
        for table in (f"inet {TABLE}", "ip cni_hostport", "ip nat", "ip6 nat"):
            subprocess.run(["nft", "delete", "table", *table.split()], check=False, capture_output=True)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    node = Node(tmp_path, str(Path(tool("cni/bridge")).parent))
    yield node
    node.end()


def said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


NOT_COMPARED = {"ifindex", "link_index", "link_netnsid", "handle", "index"}
"""Numbers that the kernel counts up; names that end in _timer are left out too."""


def normal(value: Any) -> Any:
    """Without what is random or counted."""
    if isinstance(value, dict):
        kept = {key: each for key, each in sorted(value.items()) if key not in NOT_COMPARED}
        return {key: normal(each) for key, each in kept.items() if not key.endswith("_timer")}
    if isinstance(value, list):
        return [normal(each) for each in value]
    if isinstance(value, str):
        return re.sub(r"\b([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}\b", "MAC", re.sub(r"\bveth[0-9a-f]{8}\b", "vethX", value))
    return value


def flat(value: Any, name: str = "") -> list[str]:
    """A line for each single value, for a difference that can be read."""
    if isinstance(value, dict):
        return [line for key in value for line in flat(value[key], f"{name}.{key}")]
    if isinstance(value, list | tuple):
        return [line for number, each in enumerate(value) for line in flat(each, f"{name}.{number}")]
    return [f"{name} = {line}" for line in str(value).splitlines()] or [f"{name} ="]


def shown(*command: str) -> Any:
    return normal(json.loads(said(*command) or "[]"))


def links() -> Any:
    """Interfaces with all details that iproute2 knows, their addresses and routes, in the current namespace."""
    deadline = time.monotonic() + LIMIT
    while '"tentative":true' in said("ip", "-j", "addr"):
        assert time.monotonic() < deadline, "addresses stay tentative"
        time.sleep(0.02)
    found = [each for each in shown("ip", "-j", "-d", "addr") if each["ifname"] != "lo"]
    for each in found:  # link-local addresses are made of the MAC
        each["addr_info"] = [address for address in each.get("addr_info", ()) if address["scope"] == "global"]
    return found, shown("ip", "-j", "-4", "route", "show", "table", "all"), six_routes()


def six_routes() -> Any:
    """Without those of link-local addresses and multicast, which come when the kernel is done with them."""
    found = shown("ip", "-j", "-6", "route", "show", "table", "all")
    return [each for each in found if not each["dst"].startswith(("fe80:", "ff00:"))]


def carrier(expected: str) -> None:
    """Wait until the kernel has noticed what the bridge's ports do."""
    deadline = time.monotonic() + LIMIT
    while json.loads(said("ip", "-j", "link", "show", BRIDGE))[0]["operstate"] != expected:
        assert time.monotonic() < deadline, f"{BRIDGE} is not {expected}"
        time.sleep(0.02)


def settings(*names: str) -> dict[str, str]:
    return {name: Path("/proc/sys/net", name).read_text().strip() for name in names}


def veths() -> list[str]:
    names = [each["ifname"] for each in json.loads(said("ip", "-j", "link"))]
    return [name for name in names if name.startswith("veth")]


def rules() -> tuple[Any, str]:
    """As nft shows them, and as the kernel's expressions."""
    # The binaries always look for iptables rules too, whose tool then makes these tables.
    for version in ("ip", "ip6"):
        subprocess.run(["nft", "delete", "table", version, "nat"], check=False, capture_output=True)
    raw = said("nft", "--debug=netlink", "list", "ruleset")
    return shown("nft", "-j", "list", "ruleset"), re.sub(r"\b\d+ \d+$", "", raw, flags=re.MULTILINE)


def leases(node: Node) -> dict[str, tuple[str, int]]:
    found = (node.directory / "leases/inproc").iterdir()
    return {path.name: (path.read_text(), path.stat().st_mode) for path in found}


def state(node: Node, pod: Request) -> dict[str, Any]:
    """All that an attachment leaves."""
    carrier("UP")
    inside = ("ipv6/conf/eth0/accept_dad", "ipv4/conf/eth0/arp_notify", "ipv6/conf/eth0/disable_ipv6",
              "ipv6/conf/eth0/keep_addr_on_down", "ipv6/conf/lo/disable_ipv6")  # fmt: skip
    return {
        "node": links(),
        "pod": run_in_netns(pod.netns, links),
        "node's settings": settings(f"ipv6/conf/{BRIDGE}/accept_ra", "ipv4/ip_forward", "ipv6/conf/all/forwarding"),
        "port's settings": settings(f"ipv6/conf/{veths()[0]}/accept_ra").popitem()[1],
        "pod's settings": run_in_netns(pod.netns, lambda: settings(*inside)),
        "rules": rules(),
        "leases": leases(node),
    }


def left(node: Node) -> dict[str, Any]:
    """What stays after the last pod."""
    carrier("DOWN")
    return {"interfaces": veths(), "bridge": links(), "rules": rules(), "leases": leases(node)}


@pytest.mark.parametrize(("case", "version"), [*zip(CASES, ["1.0.0", "1.1.0", "1.0.0", "1.1.0", "1.0.0"], strict=True)])
async def test_both_ways_leave_the_same(node: Node, tmp_path: Path, case: str, version: str) -> None:
    seen = []
    for own in (False, True):
        node.directory = tmp_path / str(own)
        node.directory.mkdir()
        plugins = node.plugins(InProcess(node.run) if own else None)
        config, pod = node.config(CASES[case], version), node.pod("web")
        result = await chain.add(plugins, config, pod, LIMIT)
        told = json.loads(result.raw.decode().replace(pod.netns, "NETNS"))
        during = state(node, pod)
        errors = await chain.delete(plugins, config, pod, result.raw, LIMIT)
        assert not errors
        seen.append((normal(told), during, left(node)))
        node.end()
    by_binary, by_daemon = seen
    difference = list(unified_diff(flat(by_binary), flat(by_daemon), "binary", "daemon", n=0, lineterm=""))
    assert not difference, "\n".join(difference)
    # The binaries' own run is first; then they were only asked for their version.
    assert set(node.asked[-3:]) == {(kind, "VERSION") for kind in ("bridge", "host-local", "portmap")}
    assert ("bridge", "ADD") in node.asked and ("portmap", "DEL") in node.asked


async def test_either_takes_down_what_the_other_made(node: Node) -> None:
    config = node.config(DUAL)
    ways = [node.plugins(), node.plugins(InProcess(node.run))]
    given = []
    for number in range(6):
        pod = node.pod(f"p{number}")
        result = await chain.add(ways[number % 2], config, pod, LIMIT)
        given.append(result.pod_ips("eth0")[0])
        if number < 2:  # an address that is free again is not given at once
            assert not await chain.delete(ways[1 - number % 2], config, pod, result.raw, LIMIT)
    assert given == [f"10.77.0.{number}" for number in range(2, 8)]
    assert len(said("nft", "list", "chain", "inet", TABLE, "masq_checks").split("masquerade comment")) == 4 * 3 + 1
    for number in range(2, 6):
        assert not await chain.delete(ways[1 - number % 2], config, node.pod(f"p{number}"), None, LIMIT)
    assert "masquerade comment" not in said("nft", "list", "chain", "inet", TABLE, "masq_checks")
    assert leases(node).keys() == {"lock", *(f"last_reserved_ip.{number}" for number in range(3))}


async def test_a_pod_reaches_its_gateways_and_del_may_come_again(node: Node) -> None:
    config, pod, plugins = node.config(DUAL), node.pod("web"), node.plugins(InProcess(node.run))
    result = await chain.add(plugins, config, pod, LIMIT)
    links()  # the gateway's own addresses are looked for on the link before they may be used
    for address, family in (("10.77.0.1", socket.AF_INET), ("fd00:77:0:8::1", socket.AF_INET6)):
        with socket.create_server((address, 0), family=family) as server:
            there = server.getsockname()[:2]
            run_in_netns(pod.netns, lambda: socket.create_connection(there, LIMIT).close())  # noqa: B023  # called here
    for _ in range(2):
        assert not await chain.delete(plugins, config, pod, result.raw, LIMIT)
    namespaces.unpin(pod.netns)
    assert not await chain.delete(plugins, config, pod, result.raw, LIMIT)


async def test_a_second_add_is_refused_in_the_same_words(node: Node) -> None:
    config, told = node.config(FULL), []
    for plugins in (node.plugins(), node.plugins(InProcess(node.run))):
        pod = node.pod("web")
        await chain.add(plugins, config, pod, LIMIT)
        with pytest.raises(PluginError) as refused:
            await chain.add(plugins, config, pod, LIMIT)
        told.append(refused.value.plugin)
        assert not await chain.delete(plugins, config, pod, None, LIMIT)
    assert told == ["bridge", "bridge"]
    assert leases(node).keys() == {"lock", "last_reserved_ip.0"}


async def test_full_ranges_give_nothing_back_to_the_wrong_pod(node: Node) -> None:
    small = {**PLAIN, "ipam": {"ranges": [[{"subnet": "10.77.3.0/30"}]]}}
    config, plugins = node.config(small), node.plugins(InProcess(node.run))
    first = await chain.add(plugins, config, node.pod("a"), LIMIT)
    with pytest.raises(PluginError, match="no address is free in"):
        await chain.add(plugins, config, node.pod("b"), LIMIT)
    assert not await chain.delete(plugins, config, node.pod("b"), None, LIMIT)
    assert set(leases(node)) == {"10.77.3.2", "lock", "last_reserved_ip.0"}
    assert first.pod_ips("eth0") == ("10.77.3.2",)


async def test_what_is_not_ours_goes_to_the_binaries(node: Node) -> None:
    mapped = {"portMappings": [{"hostPort": 18099, "containerPort": 80, "protocol": "tcp"}]}
    config, plugins = node.config(FULL), node.plugins(InProcess(node.run))
    pod = node.pod("mapped", mapped)
    result = await chain.add(plugins, config, pod, LIMIT)
    assert node.asked == [("bridge", "VERSION"), ("host-local", "VERSION"), ("portmap", "ADD")]
    assert "18099" in said("nft", "list", "ruleset")
    assert not await chain.delete(plugins, config, pod, result.raw, LIMIT)
    assert node.asked[-1] == ("portmap", "DEL")


async def test_old_binaries_are_run(node: Node) -> None:
    if not Path(PLUGIN_DIR, "bridge").exists():  # noqa: ASYNC240  # one stat
        pytest.skip(f"no CNI plugins in {PLUGIN_DIR}")
    node.binaries = PLUGIN_DIR
    config, plugins, pod = node.config(PLAIN), node.plugins(InProcess(node.run)), node.pod("web")
    result = await chain.add(plugins, config, pod, LIMIT)
    assert ("bridge", "ADD") in node.asked
    assert not await chain.delete(plugins, config, pod, result.raw, LIMIT)


@pytest.mark.parametrize(
    "change",
    [{"vlan": 5}, {"ipMasqBackend": "iptables"}, {"macspoofchk": True}, {"enableDad": True},
     {"ipam": {"subnet": "10.77.0.1/16"}}, {"ipam": {"type": "dhcp"}}, {"isGateway": "yes"}],
)  # fmt: skip
async def test_settings_that_are_not_ours(node: Node, change: dict[str, Any]) -> None:
    execute, config = InProcess(_nothing), node.config({**FULL, **change})
    with pytest.raises(PluginError, match="not executed"):
        await chain.add(Plugins([node.binaries], {}, execute), config, node.pod("web"), LIMIT)


async def _nothing(call: Call) -> Finished:
    return Finished((call.path,), 1, b'{"code": 100, "msg": "not executed"}', b"")
