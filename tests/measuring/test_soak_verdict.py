"""Whether a series of samples shows that something stays."""

import math

import pytest
from soak.verdict import NOISE_MB, Sample, faults, limit, settled, slope

EMPTY = Sample(0, 40.0, 20, 15)


def series(minutes: float, *, leak_mb_per_h: float = 0.0, warm_mb: float = 0.0) -> list[Sample]:
    """A server that needs some memory at first, breathes, and perhaps leaks."""
    times = [5.0 * n for n in range(int(minutes * 12) + 1)]
    return [
        Sample(
            at,
            60 - warm_mb * math.exp(-at / 60) + leak_mb_per_h * at / 3600 + 0.05 * math.sin(at),
            220,
            300,
        )
        for at in times
    ]


def found(during: list[Sample], after: Sample = EMPTY) -> list[str]:
    return list(faults(EMPTY, during, after))


@pytest.mark.parametrize("leak", [0.0, 1.0, -3.0, 120.0])
def test_the_slope_is_what_a_straight_line_rises_in_an_hour(leak: float) -> None:
    samples = [Sample(60.0 * n, 50 + leak * n / 60, 0, 0) for n in range(20)]
    assert slope(samples) == pytest.approx(leak)


def test_one_sample_far_off_is_no_slope() -> None:
    samples = series(20)
    middle = len(samples) // 2
    samples[middle] = Sample(samples[middle].at_s, 70.0, 0, 0)
    assert abs(slope(samples)) < 0.5


def test_a_server_that_breathes_has_kept_nothing() -> None:
    assert found(series(20)) == []


def test_a_leak_of_two_megabytes_an_hour_is_found_in_twenty_minutes() -> None:
    (fault,) = found(series(20, leak_mb_per_h=2))
    assert fault.startswith("memory grew by 2.0")


def test_what_a_server_needs_at_first_is_no_leak() -> None:
    samples = series(20, warm_mb=30)
    assert slope(samples) > 10
    assert found(samples) == []


def test_of_a_short_run_less_is_expected() -> None:
    short = series(2)
    assert settled(short)[0].at_s == 30
    assert limit(short) == pytest.approx(NOISE_MB / (90 / 3600))
    assert limit(series(20)) == 1.0
    assert limit(series(20)[:-1]) == 1.0
    assert found(series(2, leak_mb_per_h=20)) == []
    assert found(series(2, leak_mb_per_h=600)) != []


@pytest.mark.parametrize(
    ("after", "fault"),
    [
        (Sample(9, 60, 21, 15), "1 descriptors are left, with nobody there"),
        (Sample(9, 60, 20, 18), "3 tasks are left, with nobody there"),
        (
            Sample(9, 60, 20, 15, 10_001),
            "10001 objects are left, with nobody there; 10000 may be",
        ),
    ],
)
def test_what_is_left_when_all_have_gone_is_a_fault(after: Sample, fault: str) -> None:
    assert found(series(20), after) == [fault]
    assert found(series(20), Sample(9, 60, 19, 15, 10_000)) == []
