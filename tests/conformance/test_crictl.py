"""A node's day as an operator sees it through crictl: info, images, a pod with a container, and away again."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.crictl import Crictl, documents

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


def _run_pod(crictl: Crictl, logs: Path, attempt: int) -> str:
    pod = _pod(logs)
    pod["metadata"]["attempt"] = attempt
    return crictl("runp", crictl.file("pod.json", pod))


def test_events(crictl: Crictl, tmp_path: Path) -> None:
    with crictl.going("events") as output:
        # Nobody says when crictl has begun to listen: pods come until it has heard of one.
        pods = [_run_pod(crictl, tmp_path, 1)]
        deadline = time.monotonic() + 20
        while not output.read_text():
            assert time.monotonic() < deadline
            pods.append(_run_pod(crictl, tmp_path, len(pods) + 1))
        crictl("stopp", pods[-1])
        for pod in pods:
            crictl("rmp", "-f", pod)
        while output.read_text().count("CONTAINER_DELETED_EVENT") < len(pods):
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.05)
    heard = [event for event in documents(output.read_text()) if event["containerId"] == pods[-1]]
    assert [event["containerEventType"] for event in heard] == [
        f"CONTAINER_{kind}_EVENT" for kind in ("CREATED", "STARTED", "STOPPED", "DELETED")
    ]
    assert [event["podSandboxStatus"]["state"] for event in heard] == ["SANDBOX_READY"] * 2 + ["SANDBOX_NOTREADY"] * 2


def test_metrics(crictl: Crictl, image: str, tmp_path: Path) -> None:
    descriptors = {item["name"]: item["labelKeys"] for item in crictl.json("metricdescs")["descriptors"]}
    assert {"container_cpu_usage_seconds_total", "container_network_receive_bytes_total"} <= descriptors.keys()
    crictl("pull", image)
    pod_file, container_file = crictl.file("pod.json", _pod(tmp_path)), crictl.file("main.json", _container(image))
    container = crictl("run", container_file, pod_file)
    [pod] = crictl.json("metricsp")["podMetrics"]
    [found] = pod["containerMetrics"]
    assert found["containerId"] == container
    for metric in [*pod["metrics"], *found["metrics"]]:
        assert len(metric["labelValues"]) == len(descriptors[metric["name"]])
    crictl("rmp", "-f", pod["podSandboxId"])


def test_version_and_runtime_configuration(crictl: Crictl) -> None:
    assert "RuntimeApiVersion:  v1" in crictl("version")
    assert crictl("runtime-config").split() == ["cgroup", "driver:", "CGROUPFS"]
    assert crictl.json("imagefsinfo", "-o", "json")["status"]["imageFilesystems"][0]["fsId"]["mountpoint"]
