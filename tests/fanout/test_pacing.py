"""The pace of passes follows from what they cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.fanout.pacing import LONGEST_PAUSE_S, Pacer, pause_after

PAUSES = [
    # busy CPU seconds, pause in seconds
    (0.0, 0.0),
    (0.002, 0.005),
    (0.020, 0.050),
    (0.040, 0.100),
    (0.050, 0.100),
    (0.060, 0.100),
    (0.090, 0.150),
    (0.108, 0.180),
    (0.150, 0.250),
    (9.0, 0.250),
]


@pytest.mark.parametrize(("busy", "pause"), PAUSES)
def test_the_pause_grows_with_the_cost(busy: float, pause: float) -> None:
    assert pause_after(busy) == pytest.approx(pause)


@given(st.floats(0, 10), st.floats(0, 10))
def test_dearer_passes_never_come_sooner(one: float, two: float) -> None:
    cheap, dear = sorted((one, two))
    assert pause_after(cheap) <= pause_after(dear) <= LONGEST_PAUSE_S


def test_one_dear_pass_does_not_set_the_pace() -> None:
    pacer = Pacer()
    for start in range(20):
        pacer.record(started=start, busy=0.004)
    pacer.record(started=30, busy=0.100)
    assert 30.01 < pacer.not_before < 30.08
    for start in range(31, 51):
        pacer.record(started=start, busy=0.004)
    assert pacer.not_before == pytest.approx(50.010, abs=0.001)
