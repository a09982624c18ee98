"""crictl of cri-tools against the socket, verb by verb, as a person on a node uses it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.node import Node
from tests.parts.tools import tool

Crictl = Callable[..., str]


@pytest.fixture
def crictl(node: Node, tmp_path: Path) -> Crictl:
    """Runs crictl against the node and returns what it prints; it must succeed."""
    config = tmp_path / "crictl.yaml"
    config.write_text("")
    socket = f"unix://{node.socket}"
    argv = [tool("crictl"), "--config", str(config), "--runtime-endpoint", socket, "--image-endpoint", socket]

    def run(*args: str) -> str:
        finished = subprocess.run([*argv, *args], capture_output=True, text=True, timeout=60, check=False)
        assert finished.returncode == 0, f"crictl {' '.join(args)}: {finished.stderr}"
        return finished.stdout

    return run


@pytest.fixture
def files(node: Node, image: str, tmp_path: Path) -> tuple[str, str]:
    """crictl's pod and container files."""
    pod: dict[str, Any] = {
        "metadata": {"name": "web", "namespace": "test", "uid": "u-1", "attempt": 1},
        "hostname": "web",
        "log_directory": str(node.logs),
        "labels": {"app": "web"},
        "linux": {"security_context": {"namespace_options": {"pid": 1}}},
    }
    container: dict[str, Any] = {
        "metadata": {"name": "main"},
        "image": {"image": image},
        "command": ["sh", "-c", "trap 'exit 0' TERM; echo hello from the log; sleep 1000 & wait"],
        "log_path": "main.log",
        "linux": {"security_context": {"namespace_options": {"pid": 1}}},
    }
    paths = tmp_path / "pod.json", tmp_path / "container.json"
    for path, content in zip(paths, (pod, container), strict=True):
        path.write_text(json.dumps(content))
    return str(paths[0]), str(paths[1])


def test_what_the_runtime_says_of_itself(crictl: Crictl) -> None:
    assert "RuntimeName:  orlop" in crictl("version")
    info = json.loads(crictl("info"))
    conditions = {item["type"]: item["status"] for item in info["status"]["conditions"]}
    assert conditions == {"RuntimeReady": True, "NetworkReady": True}
    assert {item.get("name", "") for item in info["runtimeHandlers"]} == {"", "runc", "crun"}
    assert "cgroupfs" in crictl("runtime-config").lower()


def test_an_image_comes_and_goes(crictl: Crictl, image: str) -> None:
    assert "Image is up to date" in crictl("pull", image)
    (listed,) = json.loads(crictl("images", "-o", "json"))["images"]
    assert listed["repoTags"] == [image]
    assert json.loads(crictl("inspecti", image))["status"]["id"] == listed["id"]
    assert json.loads(crictl("imagefsinfo"))["status"]["imageFilesystems"][0]["usedBytes"]["value"] != "0"
    assert "Deleted" in crictl("rmi", image)
    assert json.loads(crictl("images", "-o", "json"))["images"] == []


def test_a_pod_from_beginning_to_end(crictl: Crictl, image: str, files: tuple[str, str]) -> None:
    pod_file, container_file = files
    crictl("pull", image)
    pod = crictl("runp", pod_file).strip()
    assert json.loads(crictl("inspectp", pod))["status"]["network"]["ip"]
    container = crictl("create", pod, container_file, pod_file).strip()
    assert crictl("ps", "-a", "-q", "--state", "created").strip() == container
    crictl("start", container)
    assert crictl("ps", "-q").strip() == container
    assert crictl("pods", "-q", "--label", "app=web", "--state", "ready").strip() == pod

    status = json.loads(crictl("inspect", container))
    assert status["status"]["state"] == "CONTAINER_RUNNING"
    assert status["info"]["pid"] > 0
    assert crictl("exec", "-s", container, "hostname").strip() == "web"
    assert crictl("logs", container) == "hello from the log\n"
    (stats,) = json.loads(crictl("stats", "-o", "json"))["stats"]
    assert stats["attributes"]["id"] == container
    assert int(stats["memory"]["workingSetBytes"]["value"]) > 0
    (pod_stats,) = json.loads(crictl("statsp", "-o", "json"))["stats"]
    assert pod_stats["linux"]["network"]["defaultInterface"]["name"] == "eth0"
    crictl("update", "--memory", str(64 << 20), container)
    resources = json.loads(crictl("inspect", container))["status"]["resources"]["linux"]
    assert resources["memoryLimitInBytes"] == str(64 << 20)

    crictl("stop", "--timeout", "10", container)
    assert json.loads(crictl("inspect", container))["status"]["exitCode"] == 0
    crictl("rm", container)
    crictl("stopp", pod)
    assert crictl("pods", "-q", "--state", "notready").strip() == pod
    crictl("rmp", pod)
    assert crictl("pods", "-q") == ""
    assert crictl("ps", "-a", "-q") == ""


def test_everything_is_removed_by_force(crictl: Crictl, image: str, files: tuple[str, str]) -> None:
    pod_file, container_file = files
    crictl("pull", image)
    container = crictl("run", container_file, pod_file).strip()
    assert crictl("ps", "-q").strip() == container
    crictl("rmp", "--all", "--force")
    assert crictl("pods", "-q") == crictl("ps", "-a", "-q") == ""
