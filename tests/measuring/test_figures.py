"""What several rounds amount to."""

import pytest
from benchmarks.figures import Spread, ratios
from benchmarks.pump import quantile


def test_a_spread_is_the_median_with_the_lowest_and_the_highest() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert Spread.of([4.0, 1.0, 2.0, 3.0]) == Spread(2.5, 1.0, 4.0)


def test_nothing_has_no_spread() -> None:
    assert Spread.of([]) is None


def test_one_outlier_does_not_move_the_median() -> None:
    found = Spread.of([2.0, 2.1, 2.2, 2.1, 90.0])
    assert found is not None
    assert found.median == 2.1
    assert found.high == 90.0


def test_a_spread_reads_as_median_and_both_ends() -> None:
    assert Spread(0.367, 0.351, 0.402).text(0, times=100) == "37 (35-40)"
    assert Spread(8000.0, 8000.0, 8000.0).text(0) == "8,000"


def test_a_ratio_is_taken_within_each_round() -> None:
    # The machine was twice as slow in the second round, for both: no ratio has seen it.
    ours, theirs = {1: 2.0, 2: 4.0, 3: 2.2}, {1: 4.0, 2: 8.0, 3: 4.0}
    found = ratios(ours, theirs)
    assert found is not None
    assert (found.median, found.low, found.high) == (0.5, 0.5, 0.55)


def test_a_round_that_only_one_of_them_has_gives_no_ratio() -> None:
    assert ratios({1: 2.0, 2: 9.0}, {1: 4.0, 3: 1.0}) == Spread(0.5, 0.5, 0.5)
    assert ratios({1: 2.0}, {2: 4.0}) is None


def test_nothing_is_divided_by_nothing() -> None:
    assert ratios({1: 2.0}, {1: 0.0}) is None


LAGS = ((0.01, 50.0), (0.02, 90.0), (0.05, 99.0), (float("inf"), 100.0))


@pytest.mark.parametrize(
    ("share", "found"), [(0.5, 0.01), (0.25, 0.005), (0.7, 0.015), (0.99, 0.05), (0.999, 0.05)]
)
def test_a_quantile_lies_on_a_straight_line_within_its_bucket(share: float, found: float) -> None:
    assert quantile(share, LAGS) == pytest.approx(found)


def test_an_empty_histogram_has_no_quantile() -> None:
    assert quantile(0.99, [(0.01, 0.0), (float("inf"), 0.0)]) == 0.0
