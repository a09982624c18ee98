"""critest as a test runs it: one run against a socket, and its report read.

report = run(binary, socket, directory, "--runtime-handler", "crun")
report.failed["[k8s.io] Container …"]                 # the message
"""

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIME_LIMIT = 1500.0
"""Seconds for the whole suite: two to three minutes on a machine with nothing else to do."""

BENCHMARKS = "benchmark"
"""What the suite itself leaves out unless --benchmark is given; not counted here."""


@dataclass(frozen=True)
class Report:
    """The outcome, each spec by its whole text."""

    passed: dict[str, float]
    """Seconds."""
    failed: dict[str, str]
    """Message and place."""
    skipped: dict[str, str]
    """What the spec says of its reason; empty where --ginkgo.skip left it out."""

    def summary(self) -> str:
        """One line."""
        count = len(self.passed) + len(self.failed) + len(self.skipped)
        return f"{count} specs: {len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"


def run(
    binary: Path, socket: str, directory: Path, *options: str, leave_out: str = "", time_limit: float = TIME_LIMIT
) -> Report:
    """Run the suite in its own order by a fixed seed. `leave_out`: a pattern of specs that cannot run here."""
    report, output, empty = directory / "report.json", directory / "critest.log", directory / "critest.yaml"
    empty.write_text("")
    argv = [
        *(str(binary), f"--config={empty}", f"--runtime-endpoint=unix://{socket}", f"--image-endpoint=unix://{socket}"),
        *("--ginkgo.seed=1", "--ginkgo.no-color", "--ginkgo.v", f"--ginkgo.json-report={report}"),
        *([f"--ginkgo.skip={leave_out}"] if leave_out else []),
        *options,
    ]
    _run(argv, output, directory, time_limit)
    assert report.exists(), f"critest made no report:\n{output.read_text(errors='replace')[-4000:]}"
    return read(report)


def _run(argv: list[str], output: Path, directory: Path, time_limit: float) -> None:
    # A session of its own: some specs start programs of the machine, which a time-out must not leave behind.
    with output.open("wb") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=directory, start_new_session=True
        )
        try:
            process.wait(time_limit)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise


def read(path: Path) -> Report:
    """Read ginkgo's JSON report."""
    report = Report({}, {}, {})
    for suite in json.loads(path.read_text()):
        for spec in suite["SpecReports"] or []:
            _enter(report, spec)
    return report


def _enter(report: Report, spec: dict[str, Any]) -> None:
    name = " ".join([*(spec["ContainerHierarchyTexts"] or []), spec["LeafNodeText"]])
    failure = spec.get("Failure") or {}
    match spec["State"]:
        case _ if spec["LeafNodeType"] != "It":
            # Set-up of the whole suite: only its failure counts.
            if spec["State"] != "passed":
                report.failed[spec["LeafNodeType"]] = _told(failure)
        case "passed":
            report.passed[name] = spec["RunTime"] / 1e9
        case "skipped" | "pending":
            if BENCHMARKS not in name:
                report.skipped[name] = failure.get("Message", "")
        case _:
            report.failed[name] = _told(failure)


def _told(failure: dict[str, Any]) -> str:
    place = failure.get("Location") or {}
    file = Path(place.get("FileName", "?")).name
    return f"{file}:{place.get('LineNumber', 0)}: {failure.get('Message', '')}"
