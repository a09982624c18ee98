"""Pods and containers as tests handle them: a kubelet's defaults, verbs, and removal at the test's end.

    pod = pods.run()
    container = pod.start("sh", "-c", "echo hello; exit 3")
    assert container.wait().exit_code == 3
    assert container.output() == "hello\n"

Keywords are fields of the CRI's messages as dictionaries, laid over the defaults.
"""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness import cgroups
from tests.harness.cri import Cri
from tests.harness.foreign import FOREIGN
from tests.harness.toml import merged

CREATED, RUNNING, EXITED = 0, 1, 2
READY, NOTREADY = 0, 1
POD, CONTAINER, NODE, TARGET = range(4)
"""Namespace modes."""

SLEEP = ("sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait")
"""A command that runs until it gets SIGTERM. As PID 1 a plain sleep would ignore it."""

OWN_PID_NAMESPACE = {"security_context": {"namespace_options": {"pid": CONTAINER}}}
"""What the kubelet sends unless a pod shares one; the protocol's own default is to share."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class LogLine:
    """A line of a container's log in the CRI's format."""

    time: str
    stream: str
    tag: str
    text: str


@dataclass
class Container:
    """A container of a test."""

    cri: Cri
    id: str
    config: dict[str, Any]
    log_file: Path

    def start(self) -> "Container":
        """Run it."""
        self.cri("StartContainer", container_id=self.id)
        return self

    def status(self, *, verbose: bool = False) -> Any:
        """ContainerStatus; with verbose the whole answer."""
        answer = self.cri("ContainerStatus", container_id=self.id, verbose=verbose)
        return answer if verbose else answer.status

    def info(self) -> dict[str, Any]:
        """The verbose status's JSON: pid, cgroup, OCI configuration."""
        return dict(json.loads(self.status(verbose=True).info["info"]))

    def wait(self, *, seconds: float = 30) -> Any:
        """Wait until it has exited; returns its status."""
        deadline = time.monotonic() + seconds
        while (status := self.status()).state != EXITED:
            assert time.monotonic() < deadline, f"container {self.id} still runs after {seconds} s: {status}"
            time.sleep(0.02)
        return status

    def exec(self, *command: str, timeout: int = 30) -> Any:
        """ExecSync: stdout, stderr, exit_code."""
        return self.cri("ExecSync", container_id=self.id, cmd=command, timeout=timeout)

    def sh(self, script: str, *, timeout: int = 30) -> str:
        """Output of a shell script inside, without the last line end; the script must succeed."""
        answer = self.exec("sh", "-c", script, timeout=timeout)
        assert answer.exit_code == 0, f"exit code {answer.exit_code}: {answer.stdout!r} {answer.stderr!r}"
        return str(answer.stdout.decode().rstrip("\n"))

    def log(self) -> list[LogLine]:
        """The log file, parsed."""
        return [LogLine(*line.split(" ", 3)) for line in self.log_file.read_text().splitlines()]

    def output(self, stream: str = "stdout") -> str:
        """What was written to a stream, out of the log."""
        lines = [line for line in self.log() if line.stream == stream]
        return "".join(line.text + ("\n" if line.tag == "F" else "") for line in lines)

    def stop(self, *, grace: int = 2) -> None:
        """StopContainer."""
        self.cri("StopContainer", container_id=self.id, timeout=grace)

    def remove(self) -> None:
        """RemoveContainer."""
        self.cri("RemoveContainer", container_id=self.id)


@dataclass
class Pod:
    """A pod of a test."""

    cri: Cri
    id: str
    config: dict[str, Any]
    image: str

    def create(self, *command: str, **config: Any) -> Container:
        """A container that is not started yet. Default command: sleep until SIGTERM."""
        name = f"c{next(_numbers)}"
        base = {
            "metadata": {"name": name},
            "image": {"image": self.image},
            "command": command or SLEEP,
            "log_path": f"{name}_0.log",
            "linux": OWN_PID_NAMESPACE,
        }
        whole = merged(base, config)
        whole["image"].setdefault("user_specified_image", whole["image"]["image"])  # as every kubelet sends it
        answer = self.cri("CreateContainer", pod_sandbox_id=self.id, config=whole, sandbox_config=self.config)
        log = Path(self.config["log_directory"]) / whole["log_path"]
        return Container(self.cri, answer.container_id, whole, log)

    def start(self, *command: str, **config: Any) -> Container:
        """A running container."""
        return self.create(*command, **config).start()

    def status(self, *, verbose: bool = False) -> Any:
        """PodSandboxStatus; with verbose the whole answer."""
        answer = self.cri("PodSandboxStatus", pod_sandbox_id=self.id, verbose=verbose)
        return answer if verbose else answer.status

    def info(self) -> dict[str, Any]:
        """The verbose status's JSON."""
        return dict(json.loads(self.status(verbose=True).info["info"]))

    @property
    def ip(self) -> str:
        """The pod's first address; empty in the node's network."""
        return str(self.status().network.ip)

    def stop(self) -> None:
        """StopPodSandbox."""
        self.cri("StopPodSandbox", pod_sandbox_id=self.id)

    def remove(self) -> None:
        """RemovePodSandbox."""
        self.cri("RemovePodSandbox", pod_sandbox_id=self.id)


@dataclass
class Pods:
    """The pods of one test."""

    cri: Cri
    image: str
    logs: Path
    handler: str = ""
    made: list[Pod] = field(default_factory=list)

    def config(self, **changes: Any) -> dict[str, Any]:
        """A pod's configuration with a name of its own and its log directory made, as the kubelet does."""
        name = f"pod{next(_numbers)}"
        logs = self.logs / name
        logs.mkdir(parents=True, exist_ok=True)
        base = {
            "metadata": {"name": name, "uid": f"uid-{name}", "namespace": "test"},
            "log_directory": str(logs),
            "linux": OWN_PID_NAMESPACE,
        }
        if FOREIGN:  # a kubelet names the parent always; without one a peer has no figures of the pod
            base = merged(base, {"linux": {"cgroup_parent": cgroups.PODS}})
        return merged(base, changes)

    def run(self, **changes: Any) -> Pod:
        """RunPodSandbox."""
        return self.run_as(self.config(**changes))

    def run_as(self, config: dict[str, Any]) -> Pod:
        """RunPodSandbox with a whole configuration."""
        return self.adopt(self.cri("RunPodSandbox", config=config, runtime_handler=self.handler).pod_sandbox_id, config)

    def adopt(self, pod_id: str, config: dict[str, Any]) -> Pod:
        """A pod that was made by other means; it is removed with the others."""
        pod = Pod(self.cri, pod_id, config, self.image)
        self.made.append(pod)
        return pod

    def remove_all(self) -> None:
        """Stop and remove every pod made here; both are idempotent, so a test may have done so already."""
        for pod in reversed(self.made):
            if FOREIGN:
                self._end_containers(pod)
            self.cri("StopPodSandbox", pod_sandbox_id=pod.id)
            self.cri("RemovePodSandbox", pod_sandbox_id=pod.id)
        self.made.clear()

    def _end_containers(self, pod: Pod) -> None:
        """As a kubelet does before it stops a pod: CRI-O gives them else all the time that the call may take."""
        for container in self.cri("ListContainers", filter={"pod_sandbox_id": pod.id}).containers:
            self.cri("StopContainer", container_id=container.id, timeout=1)


def eventually(condition: Any, *, seconds: float = 30.0) -> None:
    """Wait until the callable's result is true."""
    for _ in _ticks(seconds):
        if condition():
            return
    raise AssertionError(f"not within {seconds} s: {condition}")


def _ticks(seconds: float) -> Iterator[float]:
    deadline = time.monotonic() + seconds
    while (now := time.monotonic()) < deadline:
        yield now
        time.sleep(0.02)
