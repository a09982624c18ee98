"""Medians, percentiles and ratios of the benchmark's table."""

from pathlib import Path

import pytest

from tests.bench import publish, table
from tests.bench.results import Results, median, p95


def test_median_and_p95_are_samples_by_rank() -> None:
    samples = [float(value) for value in range(100, 0, -1)]
    assert median(samples) == 50.5
    assert p95(samples) == 95
    assert p95([3.0]) == 3.0


def test_the_ratio_is_the_first_target_over_another() -> None:
    results = Results(["a", "b"], ["a machine"])
    for value in (1.0, 2.0, 9.0):
        results.add("a", "work", "ms", value)
    results.add("b", "work", "ms", 4.0)
    assert results.ratio(results.cases["work"], "a", "b") == 0.5
    assert table.text(results).splitlines()[0] == "a machine"
    assert table.text(results).splitlines()[-1].split() == "| work | ms | 2.00 | 9.00 | 4.00 | | 0.50 |".split()


def test_what_a_target_did_not_measure_is_a_dash() -> None:
    results = Results(["a", "b"], [])
    results.add("a", "memory", "MiB", 0.0)
    assert results.ratio(results.cases["memory"], "a", "b") is None
    assert table.text(results).splitlines()[-1].split() == "| memory | MiB | 0.00 | | – | | – |".split()


def test_a_variant_is_compared_too_and_not_with_its_own() -> None:
    assert Results(["a", "a fast", "b"], []).pairs() == [("a", "b"), ("a fast", "b")]


def test_published_blocks_are_replaced_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- begin runc -->\nold\n<!-- end runc -->\nafter\n")
    publish.replace(page, {"runc": "| new |\n"})
    assert page.read_text() == "before\n<!-- begin runc -->\n| new |\n<!-- end runc -->\nafter\n"
    with pytest.raises(ValueError, match="no block crun"):
        publish.replace(page, {"crun": ""})


def test_the_page_has_every_block() -> None:
    text = publish.PAGE.read_text()
    for name in publish.BLOCKS:
        assert text.count(f"<!-- begin {name} -->") == text.count(f"<!-- end {name} -->") == 1
