"""A pod's calls as a kubelet makes them: its cgroup made beforehand, limits and the default seccomp profile set."""

import itertools
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orlop.linux.cgroups import detection
from tests.bench.targets import Target
from tests.harness import cgroups
from tests.harness.pods import OWN_PID_NAMESPACE
from tests.harness.toml import merged

GRACE = 30
"""Seconds, as a kubelet's default."""
SETTLING = 60.0
"""Seconds that a container's shell may take."""

SLEEP = ("sh", "-c", "trap 'exit 0' TERM; echo ready; sleep 100000 & wait")
"""It ends on SIGTERM once it has said that it is ready: as PID 1 it hears no signal before it has asked for it."""

RUNTIME_DEFAULT = {"security_context": {"seccomp": {"profile_type": "RuntimeDefault"}}}
LIMITS = {
    "resources": {"cpu_period": 100_000, "cpu_quota": 50_000, "cpu_shares": 256, "memory_limit_in_bytes": 64 << 20}
}

_numbers = itertools.count(1)
_hierarchy = detection.detect()


@dataclass(frozen=True)
class Timed:
    """A call's name and how long it took."""

    call: str
    milliseconds: float


def timed(name: str, call: Callable[[], Any]) -> tuple[Timed, Any]:
    """Make a call and time it."""
    begun = time.perf_counter()
    answer = call()
    return Timed(name, (time.perf_counter() - begun) * 1000), answer


class Pod:
    """A pod with one container, which sleeps until SIGTERM."""

    def __init__(self, target: Target) -> None:
        self._target, self._cri = target, target.cri
        name = f"bench{next(_numbers)}"
        self._logs = Path(tempfile.mkdtemp(prefix="ob-logs-", dir="/tmp"))
        self._cgroup = f"{cgroups.PODS}/{name}"
        _hierarchy.create(self._cgroup)
        linux = merged(OWN_PID_NAMESPACE, RUNTIME_DEFAULT)
        self._config = {
            "metadata": {"name": name, "uid": name, "namespace": "bench"},
            "hostname": name,
            "log_directory": str(self._logs),
            "dns_config": {"servers": ["10.96.0.10"], "searches": ["bench.svc.cluster.local"], "options": ["ndots:5"]},
            "linux": {**linux, "cgroup_parent": self._cgroup},
        }
        self._container = {
            "metadata": {"name": "main"},
            "image": {"image": target.image, "user_specified_image": target.image},
            "command": list(SLEEP),
            "log_path": "main_0.log",
            "linux": {**linux, **LIMITS},
        }
        self.id = self.container_id = ""

    def up(self) -> list[Timed]:
        """RunPodSandbox, CreateContainer, StartContainer."""
        cri, handler = self._cri, self._target.handler
        run, answer = timed("RunPodSandbox", lambda: cri("RunPodSandbox", config=self._config, runtime_handler=handler))
        self.id = answer.pod_sandbox_id
        create, answer = timed("CreateContainer", self._create)
        self.container_id = answer.container_id
        start, _ = timed("StartContainer", lambda: cri("StartContainer", container_id=self.container_id))
        return [run, create, start]

    def _create(self) -> Any:
        return self._cri("CreateContainer", pod_sandbox_id=self.id, config=self._container, sandbox_config=self._config)

    def down(self) -> list[Timed]:
        """StopContainer, StopPodSandbox, RemoveContainer, RemovePodSandbox, in a kubelet's order."""
        calls: list[tuple[str, dict[str, Any]]] = [
            ("StopContainer", {"container_id": self.container_id, "timeout": GRACE}),
            ("StopPodSandbox", {"pod_sandbox_id": self.id}),
            ("RemoveContainer", {"container_id": self.container_id}),
            ("RemovePodSandbox", {"pod_sandbox_id": self.id}),
        ]
        times = [timed(name, lambda name=name, fields=fields: self._cri(name, **fields))[0] for name, fields in calls]
        self.forget()
        return times

    def forget(self) -> None:
        """Take away what the kubelet would: cgroup and logs."""
        _hierarchy.remove(self._cgroup)
        shutil.rmtree(self._logs)

    def settled(self) -> None:
        """Wait until the container hears SIGTERM."""
        deadline = time.monotonic() + SETTLING
        log = self._logs / "main_0.log"
        while not log.exists() or b"ready" not in log.read_bytes():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the container of {self._config['hostname']} has not begun after {SETTLING:.0f} s")
            time.sleep(0.005)

    def asked(self) -> list[Timed]:
        """Each call that a kubelet makes about a pod that runs, alone."""
        pod, container, image = {"pod_sandbox_id": self.id}, {"container_id": self.container_id}, self._target.image
        calls: list[tuple[str, dict[str, Any]]] = [
            ("Version", {}),
            ("Status", {}),
            ("PodSandboxStatus", pod),
            ("ContainerStatus", container),
            ("ImageStatus", {"image": {"image": image}}),
            ("ListImages", {}),
            ("ImageFsInfo", {}),
            ("UpdateContainerResources", {**container, "linux": LIMITS["resources"]}),
            ("ContainerStats", container),
            ("PodSandboxStats", pod),
        ]
        times = [timed(name, lambda name=name, fields=fields: self._cri(name, **fields))[0] for name, fields in calls]
        execute = timed("ExecSync true", lambda: self._cri("ExecSync", cmd=["true"], **container))
        assert execute[1].exit_code == 0, execute[1]
        return [*times, execute[0]]
