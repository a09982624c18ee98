"""The benchmark runs from end to end with tiny counts, and leaves nothing behind. No figure is judged here."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench import containerd, main, transfers
from tests.bench.counts import Counts
from tests.harness.leakcheck import nothing_left, nothing_left_at_the_end

__all__ = ["nothing_left", "nothing_left_at_the_end"]

TINY = Counts(
    rounds=1,
    starts=1,
    parallel=2,
    parallel_rounds=1,
    written_pods=1,
    populations="1,2",
    lists=1,
    idle_seconds=0.1,
    kills=1,
    recorded=3,
    pull_mib=1,
    pull_files=9,
    pull_rounds=1,
    transfer_mib=1,
    transfer_rounds=1,
    waterfall=1,
)
ALONE = {
    *("RunPodSandbox", "CreateContainer", "StartContainer", "pod up"),
    *("StopContainer", "StopPodSandbox", "RemoveContainer", "RemovePodSandbox", "pod down"),
    *("Version", "Status", "PodSandboxStatus", "ContainerStatus", "ImageStatus", "ListImages", "ImageFsInfo"),
    *("UpdateContainerResources", "ContainerStats", "PodSandboxStats", "ExecSync true"),
}
LISTS = ("ListPodSandbox", "ListContainers", "ListContainerStats", "ListPodSandboxStats")
POPULATED = (*LISTS, "daemon memory", "monitor memory per pod", "idle CPU", "back after SIGKILL")
CASES = {
    *ALONE,
    *("daemon memory, fresh", "daemon start, no pods", "pods up, 2 at once", "pods down, 2 at once"),
    *(f"{case}, {size} pods" for case in POPULATED for size in (1, 2)),
    *(f"{case}, 3 on record" for case in LISTS),
    *("pull of 1 MiB, 9 files", "removal of 1 MiB, 9 files"),
    *(("exec, 1 MiB each way", "port-forward, 1 MiB each way") if transfers.CRICTL.exists() else ()),
}
ON_A_DISK = {"written to disk per pod"}
"""Not measured where the temporary directory is on no block device."""


def test_against_containerd(tmp_path: Path) -> None:
    if missing := containerd.missing():
        pytest.skip(f"{missing} is not installed; the Debian package containerd has it")
    results = _run(tmp_path)
    assert results["targets"] == ["orlop", "containerd"]
    for case in results["cases"]:
        alone = str(case["name"]).endswith("on record")
        assert set(case["targets"]) == ({"orlop"} if alone else {"orlop", "containerd"}), case["name"]


def test_alone(tmp_path: Path) -> None:
    results = _run(tmp_path, "--alone", "--handler", "crun")
    assert results["targets"] == ["orlop"]
    assert (tmp_path / "table.txt").read_text().count("\n|") == len(results["cases"]) + 2
    steps = (tmp_path / "waterfall.txt").read_text()
    for call in ("RunPodSandbox", "CreateContainer", "StartContainer", "StopPodSandbox", "RemovePodSandbox"):
        assert f"| {call} " in steps
    assert "| set up its network " in steps and "CNI plugins" in steps
    ElementTree.parse(tmp_path / "waterfall.svg")
    root = ElementTree.parse(tmp_path / "plot.svg").getroot()
    drawn = "".join(root.itertext())
    for name in CASES:
        assert name in drawn


def test_a_count_that_is_not_given_has_its_default() -> None:
    assert main.counts(main.options(["--rounds", "3"])) == replace(Counts(), rounds=3)


def test_a_target_without_a_socket_is_refused(tmp_path: Path) -> None:
    ended = _bench(tmp_path, "--target", "crio=/run/crio/crio.sock")
    assert ended.returncode == 1
    assert "--target 'crio=/run/crio/crio.sock': it must be NAME=unix:///path/of.sock" in ended.stdout


def _run(output: Path, *options: str) -> dict[str, list[dict[str, object]]]:
    counts = [f"--{name.replace('_', '-')}={value}" for name, value in vars(TINY).items()]
    ended = _bench(output, *counts, *options)
    assert ended.returncode == 0, ended.stdout[-8000:]
    results: dict[str, list[dict[str, object]]] = json.loads((output / "results.json").read_text())
    assert {case["name"] for case in results["cases"]} - ON_A_DISK == CASES
    return results


def _bench(output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    script = str(Path(__file__).with_name("bench.sh"))
    return subprocess.run(
        [script, "--output", str(output), *options],
        env={**os.environ, "PYTHON": sys.executable},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
