"""GC (CNI 1.1) with a plugin that collects: the reference plugins' host-local, since 1.10, as a network of its own."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.pods import eventually
from tests.integration.network.machines import Machine
from tests.parts.tools import tool


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(1, str(Path(tool("cni/host-local")).parent), {}) as machine:
        machine.network.write({"cniVersion": "1.1.0", "name": "addresses", "plugins": [plugin(machine)]})
        machine.start()
        yield machine


def plugin(machine: Machine) -> dict[str, Any]:
    """Addresses and no interface: that is for bridge, which does not hand GC on to its IPAM plugin."""
    ranges = [[{"subnet": machine.network.subnet}]]
    ipam = {"type": "host-local", "dataDir": str(machine.network.lease_dir), "ranges": ranges}
    return {"type": "host-local", "ipam": ipam}


def lease_without_a_record(machine: Machine, pod_id: str) -> str:
    """What a runtime leaves that lost its records: an address that nobody will ever give back."""
    path = tool("cni/host-local")
    variables = {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": pod_id, "CNI_IFNAME": "eth0", "CNI_NETNS": machine.netns}
    stdin = json.dumps({"cniVersion": "1.1.0", "name": "addresses", **plugin(machine)})
    done = subprocess.run([path], env=variables | {"CNI_PATH": str(Path(path).parent)}, input=stdin,
                          capture_output=True, text=True, check=True)  # fmt: skip
    address: str = json.loads(done.stdout)["ips"][0]["address"]
    return address.partition("/")[0]


def test_what_belongs_to_no_pod_is_free_after_a_start_and_all_else_stays(machine: Machine) -> None:
    eventually(machine.network_ready, seconds=60)
    _, kept = machine.pod()
    lost = lease_without_a_record(machine, "lost")
    assert machine.network.leases() == {kept, lost}
    machine.restart(hard=True)
    eventually(lambda: machine.network.leases() == {kept}, seconds=90)
    machine.pods.remove_all()
    assert machine.network.leases() == set()
