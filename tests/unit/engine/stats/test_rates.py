"""CPU rates between two readings, and what is remembered for them."""

from orlop.engine.stats.rates import SHORTEST_NS, CpuRates

SECOND = 1_000_000_000


def test_the_first_rate_is_the_average_since_birth() -> None:
    assert CpuRates().rate("c", at_ns=10 * SECOND, cpu_ns=2 * SECOND, born_ns=6 * SECOND) == SECOND // 2


def test_later_rates_are_those_since_the_reading_before() -> None:
    rates = CpuRates()
    rates.rate("c", 10 * SECOND, 0, 0)
    assert rates.rate("c", 12 * SECOND, 3 * SECOND, 0) == 3 * SECOND // 2
    assert rates.rate("c", 13 * SECOND, 3 * SECOND, 0) == 0


def test_a_reading_right_after_another_gives_the_same_rate_and_is_not_remembered() -> None:
    rates = CpuRates()
    first = rates.rate("c", 10 * SECOND, SECOND, 0)
    assert rates.rate("c", 10 * SECOND + SHORTEST_NS - 1, 2 * SECOND, 0) == first
    assert rates.rate("c", 11 * SECOND, 2 * SECOND, 0) == SECOND


def test_a_counter_that_went_back_starts_anew() -> None:
    rates = CpuRates()
    rates.rate("c", 10 * SECOND, 9 * SECOND, 0)
    assert rates.rate("c", 20 * SECOND, 5 * SECOND, 10 * SECOND) == SECOND // 2


def test_a_clock_that_stands_still_or_goes_back_does_no_harm() -> None:
    rates = CpuRates()
    assert rates.rate("c", 5, 10, born_ns=5) >= 0
    assert rates.rate("c", 1, 20, born_ns=5) >= 0


def test_the_forgotten_are_forgotten() -> None:
    rates = CpuRates()
    rates.rate("c", 1, 1, 0)
    rates.forget("c")
    rates.forget("c")
    assert len(rates) == 0


def test_memory_is_bounded() -> None:
    rates = CpuRates()
    for number in range(20_000):
        rates.rate(str(number), 1, 1, 0)
    assert len(rates) == 16384
