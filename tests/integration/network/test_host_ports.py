"""Host ports by the daemon itself, in nftables and in iptables: from outside, from the node, from pods; none is left.

Each test has two machines of its own: one with the pods, and one beside it on the wire.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from orlop.linux.namespaces import run_in_netns
from tests.harness.network import PLUGIN_DIR
from tests.harness.pods import Pod, eventually
from tests.integration.network.machines import Machine, two_machines
from tests.integration.network.traffic import LIMIT, says

TCP, UDP, SCTP = 0, 1, 2
_STREAMS = {TCP: socket.IPPROTO_TCP, SCTP: socket.IPPROTO_SCTP}


@pytest.fixture(params=["nft", "iptables"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def machines(backend: str, tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    """A machine whose daemon serves host ports by itself, and a neighbour without one."""
    with two_machines(PLUGIN_DIR, host_ports="own") as (one, two):
        content = one.network.conflist()
        ipam = content["plugins"][0]["ipam"]
        ipam["ranges"].append([{"subnet": "fd00:90::/64"}])
        ipam["routes"].append({"dst": "::/0"})
        one.network.write(content)
        if backend == "iptables":
            one.path = str(without_nft(tmp_path))
        one.start()
        yield one, two


def without_nft(path: Path) -> Path:
    """A directory of this machine's programs but one."""
    found = path / "programs"
    found.mkdir()
    for directory in os.environ["PATH"].split(":"):
        for program in Path(directory).glob("*"):
            if program.name != "nft" and not (found / program.name).is_symlink():
                (found / program.name).symlink_to(program)
    return found


def mapping(host_port: int, container_port: int, protocol: int = TCP, **more: Any) -> dict[str, Any]:
    return {"host_port": host_port, "container_port": container_port, "protocol": protocol, **more}


def serve(undo: ExitStack, netns: str, port: int, protocol: int = TCP) -> socket.socket:
    """A socket of a pod that listens at a port, in both families."""

    def create() -> socket.socket:
        kind = socket.SOCK_DGRAM if protocol == UDP else socket.SOCK_STREAM
        end = socket.socket(socket.AF_INET6, kind, _STREAMS.get(protocol, 0))
        end.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        end.bind(("::", port))
        if protocol != UDP:
            end.listen()
        end.settimeout(LIMIT)
        return end

    return undo.enter_context(run_in_netns(netns, create))


def client(undo: ExitStack, netns: str, address: str, protocol: int = TCP) -> socket.socket:
    """A socket of the address's family in a namespace."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == UDP else socket.SOCK_STREAM
    end = undo.enter_context(run_in_netns(netns, lambda: socket.socket(family, kind, _STREAMS.get(protocol, 0))))
    end.settimeout(LIMIT)
    return end


def reached(netns: str, address: str, port: int, listener: socket.socket, protocol: int = TCP) -> bool:
    """Whether a connection to an address of the node comes to the listener in the pod, and works."""
    with ExitStack() as undo:
        near = client(undo, netns, address, protocol)
        near.connect((address, port))
        far = undo.enter_context(listener.accept()[0])
        far.settimeout(LIMIT)
        return says(near, far, b"hello")


def asked(near: socket.socket, address: str, port: int, listener: socket.socket) -> bool:
    """Whether a datagram comes to the pod, and its answer back from where it was sent to."""
    near.sendto(b"question", (address, port))
    data, peer = listener.recvfrom(100)
    listener.sendto(b"answer", peer)
    answer, (source, number, *_) = near.recvfrom(100)
    return (data, answer, source, number) == (b"question", b"answer", address, port)


def refused(netns: str, address: str, port: int) -> bool:
    """Whether nobody is there."""
    with ExitStack() as undo, pytest.raises(ConnectionRefusedError):
        client(undo, netns, address).connect((address, port))
    return True


def rules(machine: Machine) -> str:
    """The whole firewall, and what points at our part of it."""
    text = machine.inside("nft", "-s", "list", "ruleset")
    return "\n".join(line for line in text.splitlines() if "orlop" in line.lower())


def test_from_everywhere(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    ports = [mapping(8080, 80), mapping(5353, 53, UDP), mapping(7777, 77, UDP, host_ip=one.address)]
    netns, _ = one.pod(port_mappings=ports)
    neighbour, _ = one.pod()
    with ExitStack() as undo:
        tcp, udp, other = (serve(undo, netns, port, kind) for port, kind in ((80, TCP), (53, UDP), (77, UDP)))
        for address in (one.address, one.address6):
            assert reached(two.netns, address, 8080, tcp)
            assert reached(one.netns, address, 8080, tcp)
            assert reached(netns, address, 8080, tcp)  # the pod asks itself
            assert asked(client(undo, two.netns, address, UDP), address, 5353, udp)
            assert asked(client(undo, one.netns, address, UDP), address, 5353, udp)
            assert reached(neighbour, address, 8080, tcp)
            assert asked(client(undo, neighbour, address, UDP), address, 5353, udp)
        assert reached(one.netns, "127.0.0.1", 8080, tcp)
        assert asked(client(undo, one.netns, "127.0.0.1", UDP), "127.0.0.1", 5353, udp)
        # Asked for at one address, it is at no other.
        assert asked(client(undo, two.netns, one.address, UDP), one.address, 7777, other)
        near = client(undo, one.netns, "127.0.0.1", UDP)
        near.connect(("127.0.0.1", 7777))
        near.send(b"question")
        with pytest.raises(ConnectionRefusedError):
            near.recv(100)
    assert "CNI-DN" not in one.inside("iptables-save")  # portmap is in the chain, and has not mapped them again
    one.pods.remove_all()
    assert rules(one) == ""
    assert refused(two.netns, one.address, 8080)


def test_sctp(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    netns, _ = one.pod(port_mappings=[mapping(9999, 99, SCTP)])
    try:
        with ExitStack() as undo:
            listener = serve(undo, netns, 99, SCTP)
            assert reached(two.netns, one.address, 9999, listener, SCTP)
    except OSError as error:
        if "sctp" not in Path("/proc/net/protocols").read_text().lower():
            # That the rules are accepted is seen all the same.
            assert "sctp" in one.inside("nft", "list", "ruleset")
            pytest.skip(f"this kernel has no SCTP: {error}")
        raise
    finally:
        one.pods.remove_all()
    assert rules(one) == ""


def test_a_restarted_daemon_keeps_them_and_takes_back_what_is_not_its_own(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    netns, _ = one.pod(port_mappings=[mapping(8080, 80)])
    with ExitStack() as undo:
        listener = serve(undo, netns, 80)
        one.kill()
        assert reached(two.netns, one.address, 8080, listener)
        one.start()
        assert reached(two.netns, one.address, 8080, listener)
        # Somebody flushes all: they are back with a restart, and with the next pod of the kind.
        one.kill()
        one.inside("nft", "flush", "ruleset")
        assert refused(two.netns, one.address, 8080)
        one.start()
        one.cri("ListPodSandbox")  # which, unlike Status, is answered when all is recovered
        assert reached(two.netns, one.address, 8080, listener)
        one.inside("nft", "flush", "ruleset")
        one.pod(port_mappings=[mapping(8082, 80)])
        assert reached(two.netns, one.address, 8080, listener)
        one.pods.made[1].remove()
        one.pods.made[0].stop()
        assert rules(one) == ""

    one.pod(port_mappings=[mapping(8081, 80)])
    assert rules(one)
    one.kill()
    one.configure({"network": {"plugin_dirs": [PLUGIN_DIR]}})  # from now on the plugin serves host ports
    one.start()
    eventually(lambda: rules(one) == "", seconds=60)
    one.pods.remove_all()


def test_a_sender_of_datagrams_follows_the_port_to_the_next_pod(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    ports = [mapping(5353, 53, UDP)]

    def serving(undo: ExitStack, near: socket.socket) -> Pod:
        pod = one.pods.run(port_mappings=ports)
        listener = serve(undo, one.netns_of(pod), 53, UDP)
        assert asked(near, one.address, 5353, listener)
        return pod

    with ExitStack() as undo:
        near = client(undo, two.netns, one.address, UDP)
        near.bind((two.address, 0))
        first = serving(undo, near)
        first.remove()
        # Nobody serves it now, and the kernel remembers that for this sender.
        near.sendto(b"anybody?", (one.address, 5353))
        with pytest.raises(OSError):
            near.settimeout(0.2)
            near.recvfrom(100)
        near.settimeout(LIMIT)
        serving(undo, near)
    one.pods.remove_all()
    assert rules(one) == ""
