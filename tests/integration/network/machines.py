"""Machines of a cluster: a daemon each, in a network namespace of its own, on one wire.

What runs on them is in flannel.py. A machine's namespace is the only thing that the programs on it see of the network,
so ports and interfaces are free there, whatever else the run does. Mounts are the run's.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from tests.harness import privacy
from tests.harness.node import Node
from tests.harness.pods import READY, Pod, Pods

WIRE, WIRE6 = "192.168.90", "fd90::"
"""What the machines' addresses begin with."""
STOP_TIMEOUT = 30.0


def run(*command: str) -> str:
    """A command's output; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


class Machine(Node):
    """One machine: what a node under test is, and its network namespace."""

    def __init__(self, number: int, plugin_dir: str, network: Mapping[str, Any]) -> None:
        super().__init__({"network": {"plugin_dirs": [plugin_dir], **network}, "handlers": {"runc": {}}})
        self.number = number
        self.address, self.address6 = f"{WIRE}.{number}", f"{WIRE6}{number}"
        self.path = os.environ["PATH"]
        """Where the daemon finds programs."""
        self.netns = str(self.base / "machine")
        Path(self.netns).touch()
        self._boot_network()
        self.pods = Pods(self.cri, "", self.logs)
        self.services: list[Service] = []

    def _boot_network(self) -> None:
        run("unshare", f"--net={self.netns}", "true")
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")

    def reboot(self) -> None:
        """A power cut: the daemon gets no chance, what lasts is the disk. Its wire has gone; its daemon is not started.

        Pods must be without containers.
        """
        self.kill()
        self.forget_volatile(pod.id for pod in self.pods.made)
        self.pods.made.clear()
        privacy.unmount(self.netns)  # interfaces, routes and rules with it
        self._boot_network()

    def within(self, *command: str) -> list[str]:
        """The command as it is run on this machine."""
        return ["nsenter", f"--net={self.netns}", "--", *command]

    def inside(self, *command: str) -> str:
        """Run a command on this machine."""
        return run(*self.within(*command))

    def pod(self, **config: Any) -> tuple[str, str]:
        """A new pod: its network namespace and its address."""
        pod = self.pods.run(**config)
        status = self.cri("PodSandboxStatus", pod_sandbox_id=pod.id).status
        assert status.state == READY
        return self.netns_of(pod), status.network.ip

    def network_ready(self) -> bool:
        """Whether the daemon takes pods: with CNI 1.1 not before the plugins have answered STATUS."""
        conditions = self.cri("Status").status.conditions
        return any(condition.type == "NetworkReady" and condition.status for condition in conditions)

    def netns_of(self, pod: Pod) -> str:
        """Where a pod's network namespace is pinned."""
        return str(self.state_dir / "pods" / pod.id / "ns" / "net")

    def close(self) -> None:
        """End everything on it."""
        for service in reversed(self.services):
            service.stop()
        super().close()

    def _argv(self) -> list[str]:
        return self.within(*super()._argv())

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), "PATH": self.path}


class Service:
    """A program that runs on a machine until it is stopped."""

    def __init__(self, machine: Machine, name: str, *command: str) -> None:
        self._argv = machine.within(*command)
        self._path = machine.base / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        machine.services.append(self)

    def start(self) -> None:
        """Start it."""
        self._log = self._path.open("ab")
        self._process = subprocess.Popen(
            self._argv, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, env={"PATH": os.environ["PATH"]}
        )

    def log(self) -> str:
        """What it has written."""
        return self._path.read_text(errors="replace") if self._path.exists() else ""

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL: it can say goodbye to nobody."""
        self._end(hard=True)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        self._end(hard=False)

    def _end(self, *, hard: bool) -> None:
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            (self._process.kill if hard else self._process.terminate)()
            self._process.wait(STOP_TIMEOUT)
        self._process.kill()
        self._process.wait()
        self._process = None
        if self._log:
            self._log.close()


@contextlib.contextmanager
def two_machines(plugin_dir: str, **network: Any) -> Iterator[tuple[Machine, Machine]]:
    """Two machines, joined by a wire. Their daemons are not started yet."""
    with contextlib.ExitStack() as undo:
        one, two = (undo.enter_context(Machine(number, plugin_dir, network)) for number in (1, 2))
        name = f"w{os.getpid()}"
        run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p")
        for machine, end in ((one, name), (two, f"{name}p")):
            run("ip", "link", "set", end, "netns", machine.netns)
            machine.inside("ip", "link", "set", end, "name", "wire")
            machine.inside("ip", "addr", "add", f"{machine.address}/24", "dev", "wire")
            machine.inside("ip", "addr", "add", f"{machine.address6}/64", "dev", "wire", "nodad")
            machine.inside("ip", "link", "set", "wire", "up")
            machine.inside("ip", "route", "add", "default", "via", f"{WIRE}.254")
        yield one, two
