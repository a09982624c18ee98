"""From one network to another on a living node: each pod has an address in the new one, and none is left in the old."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from orlop.linux.namespaces import run_in_netns
from tests.harness.network import PLUGIN_DIR
from tests.harness.node import RUNTIME
from tests.harness.pods import NOTREADY, Pod, eventually
from tests.integration.network.machines import Machine

NEW_SUBNET = "10.99.0.0/24"


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(1, PLUGIN_DIR, {}) as machine:
        machine.start()
        yield machine


def orlop(machine: Machine, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, with this machine's configuration."""
    words = [sys.executable, "-m", "orlop.cli", "network", *arguments, "--config", str(machine.config_file)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(RUNTIME)}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=170)


@contextmanager
def kubelet(machine: Machine) -> Iterator[None]:
    """Makes each of the test's pods anew that was stopped, as the kubelet does: with the next attempt."""
    end = threading.Event()

    def work() -> None:
        while not end.wait(0.05):
            for pod in list(machine.pods.made):
                if pod.status().state == NOTREADY and not pod.config.get("replaced"):
                    _renew(machine, pod)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _renew(machine: Machine, pod: Pod) -> None:
    metadata = pod.config["metadata"]
    again = {**pod.config, "metadata": {**metadata, "attempt": metadata.get("attempt", 0) + 1}}
    machine.pods.run_as(again)
    pod.config = {**pod.config, "replaced": True}


def switch(machine: Machine) -> None:
    """Another network in place of the present one."""
    content = machine.network.conflist(name="new")
    bridge = content["plugins"][0]
    bridge["bridge"] = "new0"
    bridge["ipam"]["ranges"] = [[{"subnet": NEW_SUBNET}]]
    (machine.network.conf_dir / "20-new.conflist").write_text(json.dumps(content))
    machine.network.file.rename(machine.network.file.with_suffix(".aside"))

    def switched() -> bool:
        try:
            return '"new"' in machine.cri("Status", verbose=True).info["network"]
        except grpc.RpcError:
            return False

    eventually(switched, seconds=60)


def test_pods_come_into_the_new_network_one_by_one(machine: Machine) -> None:
    old = [machine.pods.run() for _ in range(3)]
    machine.pods.run(linux={"security_context": {"namespace_options": {"network": 2}}})  # in the node's own network
    switch(machine)
    assert "20-new.conflist (network new) is used" in orlop(machine, "show").stdout
    told = orlop(machine, "renew", "--dry-run").stdout
    assert told.startswith("3 pods are in another network")
    assert all(pod.status().state != NOTREADY for pod in old)
    with kubelet(machine):
        done = orlop(machine, "renew", "--wait", "120")
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count(": has 10.99.0.") == 3
    assert all(pod.status().state == NOTREADY for pod in old)
    assert all(lease.startswith("10.99.0.") for lease in machine.network.leases())
    assert orlop(machine, "renew").stdout.startswith("0 pods")
    machine.pods.remove_all()
    assert machine.network.leases() == set()
    run_in_netns(machine.netns, lambda: subprocess.run(["ip", "link", "del", "new0"], check=True))


def test_it_stops_at_the_first_pod_that_does_not_come_back(machine: Machine) -> None:
    pods = [machine.pods.run() for _ in range(2)]
    switch(machine)
    done = orlop(machine, "renew", "--wait", "0.5")
    assert done.returncode == 1
    assert "no further pod was touched" in done.stderr
    assert sum(pod.status().state == NOTREADY for pod in pods) == 1
    machine.pods.remove_all()


def test_while_the_new_network_is_not_ready_no_pod_is_touched(machine: Machine) -> None:
    pod = machine.pods.run()
    machine.network.file.unlink()
    eventually(lambda: not machine.network_ready(), seconds=60)
    done = orlop(machine, "renew")
    assert done.returncode != 0
    assert "no pod is touched" in done.stderr
    assert pod.status().state != NOTREADY
    machine.pods.remove_all()
