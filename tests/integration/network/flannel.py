"""flannel on two machines: etcd on the first, flanneld and its CNI plugin on both."""

import base64
import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from orlop.linux.namespaces import run_in_netns
from tests.integration.network.machines import Machine, Service, two_machines
from tests.parts.tools import tool

NETWORK = "10.240.0.0/16"
KEY = "/coreos.com/network/config"
LIMIT = 60.0
"""Seconds for a program to be ready."""


class Cluster:
    """Two machines with flannel."""

    def __init__(self, one: Machine, two: Machine, backend: dict[str, Any]) -> None:
        self.one, self.two = one, two
        self._backend = backend
        self._url = f"http://{one.address}:2379"
        self.flanneld = [self._flanneld(machine) for machine in (one, two)]

    def start(self) -> None:
        """Start etcd, then flannel and the daemons."""
        self._start_etcd()
        for machine, flanneld in zip((self.one, self.two), self.flanneld, strict=True):
            machine.network.write(self._conflist(machine))
            flanneld.start()
        for machine, flanneld in zip((self.one, self.two), self.flanneld, strict=True):
            _await((machine.base / "subnet.env").exists, flanneld)
            machine.start()

    def _start_etcd(self) -> None:
        machine = self.one
        etcd = Service(
            machine, "etcd", tool("etcd"), "--data-dir", str(machine.base / "etcd"), "--log-level", "warn",
            "--listen-client-urls", self._url, "--advertise-client-urls", self._url,
            "--listen-peer-urls", "http://127.0.0.1:2380", "--unsafe-no-fsync",
        )  # fmt: skip
        etcd.start()
        config = json.dumps({"Network": NETWORK, "SubnetLen": 24, "Backend": self._backend})
        request = json.dumps({"key": _base64(KEY), "value": _base64(config)}).encode()

        def put() -> bool:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self._url}/v3/kv/put", request, timeout=10).close()
                return True
            return False

        _await(lambda: run_in_netns(machine.netns, put), etcd)

    def _flanneld(self, machine: Machine) -> Service:
        return Service(
            machine, "flanneld", tool("flanneld"), f"-etcd-endpoints={self._url}", f"-iface={machine.address}",
            f"-subnet-file={machine.base}/subnet.env", "-ip-masq",
        )  # fmt: skip

    def _conflist(self, machine: Machine) -> dict[str, Any]:
        """As flannel's own manifest has it, with files of this machine."""
        flannel = {
            "type": "flannel",
            "subnetFile": str(machine.base / "subnet.env"),
            "dataDir": str(machine.base / "flannel"),
            "ipam": {"dataDir": str(machine.network.lease_dir)},
            "delegate": {"hairpinMode": True, "isDefaultGateway": True},
        }
        portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
        return {"name": "cbr0", "cniVersion": "0.3.1", "plugins": [flannel, portmap]}

    def restart(self) -> None:
        """Kill daemons and flannels without a warning, and start them anew."""
        for machine, flanneld in zip((self.one, self.two), self.flanneld, strict=True):
            machine.kill()
            flanneld.kill()
            (machine.base / "subnet.env").unlink()
        for machine, flanneld in zip((self.one, self.two), self.flanneld, strict=True):
            flanneld.start()
            _await((machine.base / "subnet.env").exists, flanneld)
            machine.start()


def _await(ready: Callable[[], object], service: Service) -> None:
    deadline = time.monotonic() + LIMIT
    while not ready():
        assert service.alive(), service.log()[-4000:]
        assert time.monotonic() < deadline, service.log()[-4000:]
        time.sleep(0.05)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@contextlib.contextmanager
def flannel(backend: dict[str, Any]) -> Iterator[Cluster]:
    """A cluster that runs."""
    with two_machines(str(Path(tool("cni/flannel")).parent)) as (one, two):
        cluster = Cluster(one, two, backend)
        cluster.start()
        yield cluster
