"""A node's day as an operator sees it through crictl: info, images, a pod with a container, and away again."""

from pathlib import Path
from typing import Any

import pytest

from tests.conformance.crictl import Crictl

SCRIPT = "echo ready; trap 'exit 0' TERM; sleep 100000 & wait"


def _pod(logs: Path, **namespaces: int) -> dict[str, Any]:
    return {
        "metadata": {"name": "web", "namespace": "default", "uid": "uid-1", "attempt": 1},
        "log_directory": str(logs),
        "labels": {"app": "web"},
        "linux": {"security_context": {"namespace_options": namespaces}},
    }


def _container(image: str, **namespaces: int) -> dict[str, Any]:
    return {
        "metadata": {"name": "main"},
        "image": {"image": image},
        "command": ["sh", "-c", SCRIPT],
        "log_path": "main.log",
        "linux": {"security_context": {"namespace_options": namespaces}},
    }


# crictl's own default is a shared PID namespace (0); the kubelet's is one for each container (1).
@pytest.mark.parametrize("pid", [0, 1], ids=["shared pid namespace", "own pid namespace"])
@pytest.mark.parametrize("handler", ["runc", "crun"])
def test_a_pods_life(crictl: Crictl, image: str, tmp_path: Path, handler: str, pid: int) -> None:
    info = crictl.json("info")
    assert {item["type"]: item["status"] for item in info["status"]["conditions"]} == {
        "RuntimeReady": True,
        "NetworkReady": True,
    }
    assert "Image is up to date" in crictl("pull", image)
    assert [item["repoTags"] for item in crictl.json("images", "-o", "json")["images"]] == [[image]]
    image_id = crictl.json("inspecti", image)["status"]["id"]

    pod_file = crictl.file("pod.json", _pod(tmp_path, pid=pid))
    container_file = crictl.file("container.json", _container(image, pid=pid))
    pod = crictl("runp", "--runtime", handler, pod_file)
    assert crictl("pods", "-q", "--state", "ready", "--label", "app=web") == pod
    assert crictl.json("inspectp", pod)["status"]["network"]["ip"]

    container = crictl("create", pod, container_file, pod_file)
    assert crictl("ps", "-a", "-q", "--state", "created") == container
    assert crictl("start", container) == container
    assert crictl("ps", "-q") == container
    status = crictl.json("inspect", container)["status"]
    assert (status["state"], status["imageId"]) == ("CONTAINER_RUNNING", image_id)

    assert crictl("exec", "-s", container, "echo", "hello") == "hello"
    assert crictl("logs", container) == "ready"
    assert [item["attributes"]["id"] for item in crictl.json("stats", "-o", "json")["stats"]] == [container]
    assert [item["attributes"]["id"] for item in crictl.json("statsp", "-o", "json")["stats"]] == [pod]
    crictl("update", "--cpu-share", "512", container)

    crictl("stop", "--timeout", "5", container)
    assert crictl.json("inspect", container)["status"]["exitCode"] == 0
    crictl("rm", container)
    crictl("stopp", pod)
    assert crictl("pods", "-q", "--state", "notready") == pod
    crictl("rmp", pod)
    assert crictl("pods", "-q") == ""
    crictl("rmi", image)
    assert crictl("images", "-q") == ""


def test_version_and_runtime_configuration(crictl: Crictl) -> None:
    assert "RuntimeApiVersion:  v1" in crictl("version")
    assert crictl("runtime-config").split() == ["cgroup", "driver:", "CGROUPFS"]
    assert crictl.json("imagefsinfo", "-o", "json")["status"]["imageFilesystems"][0]["fsId"]["mountpoint"]
