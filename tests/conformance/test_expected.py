"""The judge of a critest run: nothing that differs from expected.toml goes through."""

from pathlib import Path

import pytest

from tests.conformance import critest, expected
from tests.conformance.critest import Report

HANDLER = "runc"


def _right() -> Report:
    """A run that is exactly as listed."""
    skipped = dict.fromkeys(expected.skips(HANDLER), "for a reason")
    skipped["[k8s.io] Image Manager public image with digest should be pulled and removed [Conformance]"] = ""
    count = expected.registered() - len(skipped)
    return Report({f"spec {number}": 1.0 for number in range(count)}, {}, skipped)


def _complaints(report: Report, *, another_build: bool = False) -> list[str]:
    return expected.complaints(report, HANDLER, another_build=another_build)


def test_a_run_as_listed_is_right() -> None:
    assert _complaints(_right()) == []


def test_a_failed_spec() -> None:
    report = _right()
    del report.passed["spec 0"]
    report.failed["spec 0"] = "pod.go:1: it broke"
    assert _complaints(report) == ["failed: spec 0: pod.go:1: it broke"]


def test_a_skip_that_nobody_listed() -> None:
    report = _right()
    del report.passed["spec 0"]
    report.skipped["spec 0"] = "not supported"
    assert _complaints(report) == ["skipped, but not listed: spec 0: not supported"]


def test_a_listed_skip_that_ran() -> None:
    report = _right()
    name = next(iter(expected.skips(HANDLER)))
    del report.skipped[name]
    report.passed[name] = 1.0
    assert _complaints(report) == [f"listed as skipped, but it ran: {name}"]


def test_a_spec_that_is_not_there() -> None:
    report = _right()
    name = next(iter(expected.skips(HANDLER)))
    del report.skipped[name]
    assert len(_complaints(report)) == 2
    assert _complaints(report, another_build=True) == []


@pytest.mark.parametrize("state", ["failed", "panicked", "timedout", "interrupted", "aborted", "what is new"])
def test_the_report_is_read(tmp_path: Path, state: str) -> None:
    text = f"""[{{"SpecReports": [
        {{"ContainerHierarchyTexts": null, "LeafNodeType": "BeforeSuite", "LeafNodeText": "", "State": "passed"}},
        {{"ContainerHierarchyTexts": ["[k8s.io] Pod", "it"], "LeafNodeType": "It", "LeafNodeText": "runs",
          "State": "passed", "RunTime": 2500000000}},
        {{"ContainerHierarchyTexts": ["[k8s.io] Pod"], "LeafNodeType": "It", "LeafNodeText": "stops",
          "State": "{state}",
          "Failure": {{"Message": "no", "Location": {{"FileName": "/x/pod.go", "LineNumber": 7}}}}}},
        {{"ContainerHierarchyTexts": null, "LeafNodeType": "AfterSuite", "LeafNodeText": "", "State": "failed"}}
    ]}}]"""
    (tmp_path / "report.json").write_text(text)
    report = critest.read(tmp_path / "report.json")
    assert report.passed == {"[k8s.io] Pod it runs": 2.5}
    assert report.failed == {"[k8s.io] Pod stops": "pod.go:7: no", "AfterSuite": "?:0: "}
