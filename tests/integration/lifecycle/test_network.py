"""The pod network: addresses, reachability, host ports, DNS files, and what goes when a pod stops."""

import socket
import subprocess
import urllib.request

import pytest

from tests.harness.cri import Cri
from tests.harness.node import Node
from tests.harness.pods import CONTAINER, NODE, Container, Pod, Pods, eventually
from tests.integration.lifecycle.conftest import each_handler

PAGE = "mkdir /www; echo deck > /www/index.html; exec httpd -f -p 8080 -h /www"


def _get(address: str) -> str:
    # No proxy of the machine may come between.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}/", timeout=3) as answer:
        return str(answer.read().decode().strip())


def _serve(pod: Pod) -> Container:
    container = pod.start("sh", "-c", PAGE)
    eventually(lambda: container.exec("wget", "-q", "-O", "-", "http://127.0.0.1:8080/").exit_code == 0)
    return container


@each_handler
def test_a_pod_answers_over_its_address(pods: Pods) -> None:
    pod = pods.run()
    _serve(pod)
    assert _get(f"{pod.ip}:8080") == "deck"


def test_pods_reach_each_other(pods: Pods) -> None:
    server = pods.run()
    _serve(server)
    assert pods.run().start().sh(f"wget -q -O - http://{server.ip}:8080/") == "deck"


def test_the_address_is_the_interfaces(pods: Pods) -> None:
    pod = pods.run()
    container = pod.start()
    assert f"inet {pod.ip}/" in container.sh("ip -4 addr show dev eth0")
    assert "127.0.0.1" in container.sh("ip -4 addr show dev lo")
    assert "default via" in container.sh("ip route")


def test_a_host_port_leads_into_the_pod(pods: Pods, node: Node) -> None:
    pod = pods.run(port_mappings=[{"container_port": 8080, "host_port": 18080}])
    _serve(pod)
    assert _get("127.0.0.1:18080") == "deck"
    pod.stop()
    with pytest.raises(OSError):
        _get("127.0.0.1:18080")


def test_a_host_port_may_be_bound_to_one_address(pods: Pods, node: Node) -> None:
    mapping = {"container_port": 8080, "host_port": 18081, "host_ip": "127.0.0.1"}
    pod = pods.run(port_mappings=[mapping])
    _serve(pod)
    assert _get("127.0.0.1:18081") == "deck"


def test_a_pod_in_the_nodes_network_listens_on_the_node(pods: Pods, node: Node) -> None:
    linux = {"security_context": {"namespace_options": {"network": NODE, "pid": CONTAINER}}}
    pods.run(linux=linux).start("sh", "-c", "exec nc -l -p 18082 -e echo deck", linux=linux)

    def answers() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", 18082), timeout=1) as connection:
                return connection.recv(16) == b"deck\n"
        except OSError:
            return False

    eventually(answers)


def test_stopping_gives_address_interface_and_rules_back(pods: Pods, node: Node) -> None:
    leases = node.network.leases()
    pod = pods.run(port_mappings=[{"container_port": 8080, "host_port": 18083}])
    assert node.network.leases() - leases == {pod.ip}
    pod.stop()
    assert node.network.leases() == leases
    assert pod.ip not in subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout


def test_many_pods_at_once_get_different_addresses(pods: Pods, cri: Cri) -> None:
    configs = [pods.config() for _ in range(12)]
    calls = [cri.future("RunPodSandbox", config=config) for config in configs]
    made = [pods.adopt(call.result().pod_sandbox_id, config) for call, config in zip(calls, configs, strict=True)]
    assert len({pod.ip for pod in made}) == 12


def test_dns_settings_are_the_pods(pods: Pods) -> None:
    dns = {"servers": ["10.9.8.7"], "searches": ["a.test", "b.test"], "options": ["ndots:5"]}
    container = pods.run(dns_config=dns).start()
    assert container.sh("cat /etc/resolv.conf").splitlines() == [
        "search a.test b.test",
        "nameserver 10.9.8.7",
        "options ndots:5",
    ]


def test_without_dns_settings_the_nodes_are_used(pods: Pods, node: Node) -> None:
    with open("/etc/resolv.conf", encoding="utf-8") as file:
        mine = file.read()
    assert pods.run().start().sh("cat /etc/resolv.conf") == mine.rstrip("\n")
