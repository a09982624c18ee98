"""Plugins in the daemon's process against the binaries: the same interfaces, rules, leases and results, and either
takes down what the other made. What both leave in the kernel is read by ip, nft and as files.
"""

import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack
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
from tests.integration.cni.kernel_state import BRIDGE, LIMIT, carrier, flat, links, normal, rules, said, settings, veths
from tests.parts.tools import tool

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
PORTS = {
    "portMappings": [
        {"hostPort": 18080, "containerPort": 80, "protocol": "tcp"},
        {"hostPort": 18053, "containerPort": 53, "protocol": "udp"},
        {"hostPort": 18132, "containerPort": 132, "protocol": "sctp", "hostIP": "0.0.0.0"},
        {"hostPort": 18081, "containerPort": 81, "protocol": "tcp", "hostIP": "192.0.2.1"},
        {"hostPort": 18081, "containerPort": 82, "protocol": "udp", "hostIP": "2001:db8::1"},
        {"hostPort": 18083, "containerPort": 83, "protocol": "tcp", "hostIP": "::"},
    ]
}
WITHOUT_PORTS = ("two ranges", "plain")
CASES = {"full": FULL, "two ranges": TWO_RANGES, "plain": PLAIN, "dual stack": DUAL, "IPv6 only": SIX}


@dataclass
class Node:
    """A node's network, whose plugins are executed in one way or the other."""

    directory: Path
    binaries: str
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Kind and command of each binary that ran."""
    pods: list[str] = field(default_factory=list)

    def config(self, bridge: dict[str, Any], version: str = "1.0.0", **ports: Any) -> NetworkConfig:
        ipam = {"type": "host-local", "dataDir": str(self.directory / "leases"), **bridge["ipam"]}
        portmap = {"type": "portmap", "backend": "nftables", "capabilities": {"portMappings": True}, **ports}
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
        for table in (f"inet {TABLE}", "ip cni_hostport", "ip6 cni_hostport", "ip nat", "ip6 nat"):
            subprocess.run(["nft", "delete", "table", *table.split()], check=False, capture_output=True)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    node = Node(tmp_path, str(Path(tool("cni/bridge")).parent))
    yield node
    node.end()


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
        "node's settings": settings(
            f"ipv6/conf/{BRIDGE}/accept_ra",
            f"ipv4/conf/{BRIDGE}/route_localnet",
            "ipv4/ip_forward",
            "ipv6/conf/all/forwarding",
        ),
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
        config, pod = node.config(CASES[case], version), node.pod("web", {} if case in WITHOUT_PORTS else PORTS)
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
        pod = node.pod(f"p{number}", PORTS)
        result = await chain.add(ways[number % 2], config, pod, LIMIT)
        given.append(result.pod_ips("eth0")[0])
        if number < 2:  # an address that is free again is not given at once
            assert not await chain.delete(ways[1 - number % 2], config, pod, result.raw, LIMIT)
    assert given == [f"10.77.0.{number}" for number in range(2, 8)]
    assert len(said("nft", "list", "chain", "inet", TABLE, "masq_checks").split("masquerade comment")) == 4 * 3 + 1
    for number in range(2, 6):
        assert not await chain.delete(ways[1 - number % 2], config, node.pod(f"p{number}", PORTS), None, LIMIT)
    assert "masquerade comment" not in said("nft", "list", "chain", "inet", TABLE, "masq_checks")
    assert 'comment "id-' not in said("nft", "list", "ruleset")
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
    config = node.config(FULL, conditionsV4=["ip", "saddr", "198.51.100.0/24"])
    plugins, pod = node.plugins(InProcess(node.run)), node.pod("mapped", PORTS)
    result = await chain.add(plugins, config, pod, LIMIT)
    assert node.asked == [("bridge", "VERSION"), ("host-local", "VERSION"), ("portmap", "ADD")]
    assert "18080" in said("nft", "list", "ruleset")
    assert not await chain.delete(plugins, config, pod, result.raw, LIMIT)
    assert node.asked[-1] == ("portmap", "DEL")


def local(netns: str, family: int, kind: int, port: int) -> socket.socket:
    """A server in a pod; without a namespace on the node."""

    def made() -> socket.socket:
        server = socket.socket(family, kind)
        server.settimeout(LIMIT)
        server.bind(("", port))
        if kind == socket.SOCK_STREAM:
            server.listen()
        return server

    return run_in_netns(netns, made) if netns else made()


async def test_ports_lead_into_the_pod_at_once(node: Node) -> None:
    """From the node's loopback address too; and datagrams also where their sender began before the pod was there."""
    config, plugins = node.config(DUAL), node.plugins(InProcess(node.run))
    await chain.add(plugins, config, node.pod("other"), LIMIT)  # from here on the kernel tracks connections
    links()
    nodes_own = (("10.77.0.1", socket.AF_INET), ("fd00:77:0:5::1", socket.AF_INET6))
    with ExitStack() as stack:
        senders = [stack.enter_context(socket.socket(family, socket.SOCK_DGRAM)) for _, family in nodes_own]
        for sender, (address, _) in zip(senders, nodes_own, strict=True):
            sender.sendto(b"to the node", (address, 18053))
        pod = node.pod("web", PORTS)
        result = await chain.add(plugins, config, pod, LIMIT)
        for sender, (address, family) in zip(senders, nodes_own, strict=True):
            with local(pod.netns, family, socket.SOCK_DGRAM, 53) as server:
                sender.sendto(b"to the pod", (address, 18053))
                assert server.recv(100) == b"to the pod"
        by_tcp(pod)
        assert not await chain.delete(plugins, config, pod, result.raw, LIMIT)
        for sender, (address, family) in zip(senders, nodes_own, strict=True):
            with local("", family, socket.SOCK_DGRAM, 18053) as server:
                sender.sendto(b"to the node again", (address, 18053))
                assert server.recv(100) == b"to the node again"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", 18080), LIMIT)
    assert {command for _, command in node.asked} == {"VERSION"}


def by_tcp(pod: Request) -> None:
    """To the pod by the node's addresses."""
    with local(pod.netns, socket.AF_INET, socket.SOCK_STREAM, 80):
        for there in (("127.0.0.1", 18080), ("10.77.0.1", 18080)):
            socket.create_connection(there, LIMIT).close()


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
