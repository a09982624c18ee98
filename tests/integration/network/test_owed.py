"""A DEL is owed until it has worked: without the pod's namespace, without its conflist, over restarts and reboots."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.harness import privacy
from tests.harness.network import PLUGIN_DIR
from tests.harness.pods import NOTREADY, eventually
from tests.integration.network.machines import Machine
from tests.integration.network.test_host_ports import TCP, mapping, reached, rules, serve

PORTS = [mapping(8080, 80)]


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """Debian's plugins in a directory of the test's, which may take one away."""
    return Path(shutil.copytree(PLUGIN_DIR, tmp_path / "plugins"))


@pytest.fixture(params=["own", "plugin"])
def machine(request: pytest.FixtureRequest, plugins: Path) -> Iterator[Machine]:
    with Machine(1, str(plugins), {"host_ports": request.param}) as machine:
        machine.start()
        yield machine


def results(machine: Machine) -> list[str]:
    """Attachments on record."""
    return os.listdir(machine.network.cache_dir / "results")


def mapped(machine: Machine) -> str:
    """What the firewall has of the tests' host port, the daemon's own rules or portmap's."""
    lines = machine.inside("nft", "-s", "list", "ruleset").splitlines()
    return "\n".join(line for line in lines if "8080" in line)


def served(machine: Machine) -> bool:
    """Whether a new pod can be had at the host port that the last one had."""
    netns, _ = machine.pod(port_mappings=PORTS)
    with ExitStack() as undo:
        return reached(machine.netns, "127.0.0.1", 8080, serve(undo, netns, 80, TCP))


def test_a_del_that_fails_is_tried_again_over_restart_and_reboot(machine: Machine, plugins: Path) -> None:
    for _ in range(2):
        machine.pod(port_mappings=PORTS[: not machine.pods.made])
    assert len(machine.network.leases()) == len(results(machine)) == 2
    assert mapped(machine)
    # Its first DEL fails, and so do those of the next daemon.
    (plugins / "host-local").rename(plugins / "away")
    machine.pods.made[0].stop()
    assert "is not fully detached" in machine.log()
    said = len(machine.log())
    machine.restart(hard=True)
    eventually(lambda: "1 things are left to be undone" in machine.log()[said:], seconds=60)
    # The power goes, and with it whatever knew of the pods but the disk; the conflist goes too.
    conflist = machine.network.file.read_text()
    machine.network.file.unlink()
    machine.reboot()
    said = len(machine.log())
    machine.start()
    eventually(lambda: "2 things are left to be undone" in machine.log()[said:], seconds=60)
    assert len(machine.network.leases()) == len(results(machine)) == 2
    assert machine.cri("ListPodSandbox").items == []
    (plugins / "away").rename(plugins / "host-local")
    eventually(lambda: (machine.network.leases(), results(machine)) == (set(), []), seconds=60)
    assert mapped(machine) == rules(machine) == ""
    machine.network.write(conflist)
    eventually(machine.network_ready, seconds=60)
    assert served(machine)
    machine.pods.remove_all()
    assert machine.network.leases() == set()


def test_host_ports_and_addresses_come_back_without_namespace_and_conflist(machine: Machine) -> None:
    netns, _ = machine.pod(port_mappings=PORTS)
    pod = machine.pods.made[0]
    conflist = machine.network.file.read_text()
    machine.kill()
    assert mapped(machine)
    privacy.unmount(netns)
    machine.network.file.unlink()
    machine.start()
    eventually(lambda: pod.status().state == NOTREADY, seconds=60)
    pod.stop()
    eventually(lambda: (machine.network.leases(), results(machine)) == (set(), []), seconds=60)
    assert mapped(machine) == rules(machine) == ""
    machine.network.write(conflist)
    eventually(machine.network_ready, seconds=60)
    assert served(machine)
    machine.pods.remove_all()
