"""Pods by crictl, inside the machine."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.vm import kubelet

CRICTL = kubelet.SRC / ".cache/bin/crictl"
IMAGE = kubelet.IMAGE
HOME = Path("/srv/pods")


def crictl(*words: str) -> subprocess.CompletedProcess[str]:
    """Run it, whatever it says; both streams in one."""
    argv = [str(CRICTL), "--config", "/etc/crictl.yaml", "--timeout", "120s", *words]
    return subprocess.run(argv, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def answer(*words: str) -> str:
    """What it prints; it must succeed."""
    done = crictl(*words)
    assert done.returncode == 0, f"crictl {' '.join(words)}: {done.stdout}"
    return done.stdout.strip()


def document(name: str, content: dict[str, Any]) -> str:
    """A file that crictl reads."""
    HOME.mkdir(exist_ok=True)
    path = HOME / f"{name}.json"
    path.write_text(json.dumps(content))
    return str(path)


def pod_file(name: str, linux: dict[str, Any] | None = None) -> str:
    """A pod's configuration."""
    metadata = {"name": name, "namespace": "default", "uid": f"{name}-{os.getpid()}"}
    return document(name, {"metadata": metadata, "linux": {"cgroup_parent": "kubepods.slice", **(linux or {})}})


@contextmanager
def running(name: str, *, pod: dict[str, Any] | None = None, handler: str = "runc", **config: Any) -> Iterator[str]:
    """A pod with a container that sleeps, whose id it is; it is removed at the end. `pod`: its linux part."""
    answer("pull", IMAGE)
    config_of_pod = pod_file(name, pod)
    sandbox = answer("runp", f"--runtime={handler}", config_of_pod)
    try:
        command = {"metadata": {"name": "main"}, "image": {"image": IMAGE}, "command": ["sleep", "100000"]}
        container = answer("create", sandbox, document(f"{name}-main", {**command, **config}), config_of_pod)
        answer("start", container)
        yield container
    finally:
        answer("rmp", "--force", sandbox)


def sh(container: str, script: str) -> str:
    """What a shell of the container prints, on both streams."""
    return crictl("exec", container, "sh", "-c", f"{script} 2>&1").stdout.strip()
