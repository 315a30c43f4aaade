"""The pace of passes follows from what they cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.fanout.pacing import LONGEST_PAUSE_S, Pacer, pause_after

FRAME_S = 1 / 30

PAUSES = [
    # busy CPU seconds, pause in seconds
    (0.0, 0.0),
    (0.00130, 0.0028),
    (0.0130, 0.028),
    (0.0135, 0.044),
    (0.0140, 0.060),
    (0.0200, 0.060),
    (0.0290, 0.075),
    (0.0340, 0.090),
    (0.060, 0.100),
    (0.090, 0.150),
    (0.150, 0.250),
    (9.0, 0.250),
]


@pytest.mark.parametrize(("busy", "pause"), PAUSES)
def test_the_pause_grows_with_the_cost(busy: float, pause: float) -> None:
    assert pause_after(busy) == pytest.approx(pause)


@given(st.floats(0, 10), st.floats(0, 10))
def test_dearer_rounds_never_come_sooner(one: float, two: float) -> None:
    cheap, dear = sorted((one, two))
    assert pause_after(cheap) <= pause_after(dear) <= LONGEST_PAUSE_S


def paced(pacer: Pacer, *, busy: float, passes: int, every: float = FRAME_S) -> float:
    """Passes at an even pace, each of the same cost; when the last one started."""
    start = pacer.not_before + 1
    for i in range(passes):
        pacer.begin_pass(start + i * every)
        pacer.end_pass(busy)
    return start + (passes - 1) * every


def test_neither_a_keyframe_nor_a_disturbance_sets_the_pace() -> None:
    pacer = Pacer()
    paced(pacer, busy=0.004, passes=20)
    usual = pacer.pause
    assert usual == pause_after(0.004)
    paced(pacer, busy=0.020, passes=4)
    paced(pacer, busy=0.004, passes=20)
    assert pacer.pause == usual
    paced(pacer, busy=0.020, passes=6)
    assert pacer.pause == pause_after(0.020)


def test_the_longest_pause_is_one_that_news_has_waited_for() -> None:
    pacer = Pacer()
    last = paced(pacer, busy=0.030, passes=60, every=1.0)
    assert pacer.pause == pause_after(0.030)
    assert pacer.longest == 0
    start = pacer.start_of_pass(last + 0.010)
    assert start >= last + pacer.pause
    late = 0.005
    pacer.begin_pass(start + late)
    assert pacer.longest == start + late - last
    # Nothing came until long after the pause: nobody has waited for it.
    pacer.end_pass(0.030)
    pacer.start_of_pass(last + 5)
    pacer.begin_pass(last + 5)
    assert pacer.longest == start + late - last


def test_many_small_passes_are_as_dear_as_one_large() -> None:
    one, many = Pacer(), Pacer()
    paced(one, busy=0.008, passes=60)
    paced(many, busy=0.001, passes=480, every=FRAME_S / 8)
    assert many.pause == pytest.approx(one.pause, rel=0.05)


@given(st.floats(0, 1), st.floats(0, 1))
def test_waiting_for_a_ride_is_for_long_pauses_and_never_beyond_the_longest(
    busy: float, when: float
) -> None:
    pacer = Pacer()
    last = paced(pacer, busy=busy, passes=60, every=1.0)
    news = last + when
    start = pacer.start_of_pass(news)
    if news >= pacer.not_before:
        assert start == news
    else:
        assert pacer.not_before <= start <= last + LONGEST_PAUSE_S + 1e-9
        assert start == pacer.not_before or pacer.pause > FRAME_S
