"""A kubelet by itself in the machine, with a static pod: cgroup version 2, systemd driver, kubelet's own slices.

Nothing else of Kubernetes runs. What the kubelet knows is asked at its port, as the API server does.
"""

import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
SRC = Path(__file__).resolve().parents[2]
KUBELET = SRC / ".cache/bin/kubelet"
HOME = Path("/srv/kubelet")
IMAGE = "registry.k8s.io/e2e-test-images/busybox:1.29-2"
LIMIT = 300.0
"""Seconds for whatever is waited for: the machine is slow."""
MEMORY = 64 << 20
CONFIGURATION = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "containerRuntimeEndpoint": "unix:///run/orlop/orlop.sock",
    "staticPodPath": str(HOME / "manifests"),
    "fileCheckFrequency": "1s",
    # Else a pod's network is what cAdvisor knows, which does not know orlop's pods.
    "featureGates": {"PodAndContainerStatsFromCRI": True},
    "address": "127.0.0.1",
    # No API server could say who may ask; the port is on loopback of a machine that is thrown away.
    "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
    "authorization": {"mode": "AlwaysAllow"},
}
SCRIPT = "touch /tmp/live; (sleep 5; rm /tmp/live) & echo served; exec httpd -f -p 8080 -h /etc"
PROBE: dict[str, Any] = {"exec": {"command": ["test", "-e", "/tmp/live"]}, "periodSeconds": 2, "timeoutSeconds": 20}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {
                "name": "server",
                "image": IMAGE,
                "command": ["sh", "-c", "echo served; exec httpd -f -p 8080 -h /etc"],
                "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": str(MEMORY)}},
                "readinessProbe": {"httpGet": {"path": "/hostname", "port": 8080}, "timeoutSeconds": 20},
            },
            {"name": "ailing", "image": IMAGE, "command": ["sh", "-c", SCRIPT], "livenessProbe": PROBE},
        ],
    },
}


def standalone() -> bool:
    """The kubelet makes the pod, reads its figures, restarts what its probe finds dead, and takes all of it away."""
    with _kubelet():
        (HOME / "manifests/web.json").write_text(json.dumps(POD))
        uid = _until("the server is ready", lambda: _ready("server"))
        scope = _scope(uid)
        _told("the scope below the pod's slice", scope.relative_to("/sys/fs/cgroup"))
        _told("its limit", (scope / "memory.max").read_text().strip())
        assert int((scope / "memory.max").read_text()) == MEMORY
        _told("restarts by the probe", _until("the probe restarts", lambda: _status("ailing").get("restartCount")))
        assert "served" in _ask("/containerLogs/default/web-vm/server")
        _told("exec", _ask("/run/default/web-vm/server?cmd=hostname", method="POST").strip())
        summary = _until("the summary has figures", _figures)
        _told("summary", summary)
        (HOME / "manifests/web.json").unlink()
        _until("the pod has gone", lambda: not scope.parent.exists() and not _pods())
    return True


@contextmanager
def _kubelet() -> Iterator[None]:
    (HOME / "manifests").mkdir(parents=True, exist_ok=True)
    (HOME / "config.json").write_text(json.dumps(CONFIGURATION))
    unit = ["systemd-run", "-q", "--unit=kubelet", "--collect", str(KUBELET), f"--config={HOME}/config.json"]
    subprocess.run([*unit, "--hostname-override=vm"], check=True)
    try:
        yield
    except BaseException:
        subprocess.run(["journalctl", "-q", "-n", "60", "-u", "kubelet", "--no-pager"], check=False)
        raise
    finally:
        subprocess.run(["systemctl", "stop", "kubelet"], check=False)


def _ask(path: str, *, method: str = "GET") -> str:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE  # it signs for itself
    request = urllib.request.Request(f"https://127.0.0.1:10250{path}", method=method)
    with urllib.request.urlopen(request, timeout=60, context=trusting) as answer:
        return str(answer.read().decode())


def _pods() -> list[dict[str, Any]]:
    return json.loads(_ask("/pods"))["items"] or []


def _status(container: str) -> dict[str, Any]:
    for pod in _pods():
        for status in pod["status"].get("containerStatuses", ()):
            if status["name"] == container:
                return dict(status)
    return {}


def _ready(container: str) -> str | None:
    return str(_pods()[0]["metadata"]["uid"]) if _status(container).get("ready") else None


def _scope(uid: str) -> Path:
    identifier = _status("server")["containerID"].removeprefix("orlop://")
    [slice_] = Path("/sys/fs/cgroup/kubepods.slice").rglob(f"*pod{uid.replace('-', '_')}.slice")
    return slice_ / f"orlop-{identifier}.scope"


def _figures() -> dict[str, int] | None:
    for pod in json.loads(_ask("/stats/summary")).get("pods", ()):
        memory, network = pod.get("memory", {}), pod.get("network", {})
        if memory.get("workingSetBytes") and network.get("rxBytes") is not None:
            return {"workingSetBytes": memory["workingSetBytes"], "rxBytes": network["rxBytes"]}
    return None


def _until(what: str, ask: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            found: T | None = ask()
        except (OSError, urllib.error.URLError, IndexError):
            found = None  # it does not listen yet
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {LIMIT:g} s: {what}")
        time.sleep(1)


def _told(what: str, value: object) -> None:
    print(f"  {what}: {value}", flush=True)
