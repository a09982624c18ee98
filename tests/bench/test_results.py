"""Medians, percentiles and ratios of the benchmark's table."""

from tests.bench import table
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
    assert results.ratio(results.cases["work"], "b") == 0.5
    assert table.text(results).splitlines()[0] == "a machine"
    assert table.text(results).splitlines()[-1].split() == "| work | ms | 2.00 | 9.00 | 4.00 | | 0.50 |".split()


def test_what_a_target_did_not_measure_is_a_dash() -> None:
    results = Results(["a", "b"], [])
    results.add("a", "memory", "MiB", 0.0)
    assert results.ratio(results.cases["memory"], "b") is None
    assert table.text(results).splitlines()[-1].split() == "| memory | MiB | 0.00 | | – | | – |".split()
