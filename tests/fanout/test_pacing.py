"""The pace of passes follows from what they cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.fanout.pacing import (
    LEAST_SHARE,
    LONGEST_PAUSE_S,
    MessagePace,
    PicturePace,
    pause_after,
)

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


def paced(pace: PicturePace, *, busy: float, passes: int, every: float = FRAME_S) -> float:
    """Passes at an even pace, each of the same cost; when the last one started."""
    start = pace.not_before + 1
    for i in range(passes):
        pace.begin_pass(start + i * every)
        pace.end_pass(busy)
    return start + (passes - 1) * every


def test_neither_a_keyframe_nor_a_disturbance_sets_the_pace() -> None:
    pace = PicturePace()
    paced(pace, busy=0.004, passes=20)
    usual = pace.pause
    assert usual == pause_after(0.004)
    paced(pace, busy=0.020, passes=4)
    paced(pace, busy=0.004, passes=20)
    assert pace.pause == usual
    paced(pace, busy=0.020, passes=6)
    assert pace.pause == pause_after(0.020)


def test_the_longest_pause_is_one_that_news_has_waited_for() -> None:
    pace = PicturePace()
    last = paced(pace, busy=0.030, passes=60, every=1.0)
    assert pace.pause == pause_after(0.030)
    assert pace.longest == 0
    start = pace.start_of_pass(last + 0.010)
    assert start >= last + pace.pause
    late = 0.005
    pace.begin_pass(start + late)
    assert pace.longest == start + late - last
    # Nothing came until long after the pause: nobody has waited for it.
    pace.end_pass(0.030)
    pace.start_of_pass(last + 5)
    pace.begin_pass(last + 5)
    assert pace.longest == start + late - last


def test_many_small_passes_are_as_dear_as_one_large() -> None:
    one, many = PicturePace(), PicturePace()
    paced(one, busy=0.008, passes=60)
    paced(many, busy=0.001, passes=480, every=FRAME_S / 8)
    assert many.pause == pytest.approx(one.pause, rel=0.05)


@given(st.floats(0, 1), st.floats(0, 1))
def test_waiting_for_a_ride_is_for_long_pauses_and_never_beyond_the_longest(
    busy: float, when: float
) -> None:
    pace = PicturePace()
    last = paced(pace, busy=busy, passes=60, every=1.0)
    news = last + when
    start = pace.start_of_pass(news)
    if news >= pace.not_before:
        assert start == news
    else:
        assert pace.not_before <= start <= last + LONGEST_PAUSE_S + 1e-9
        assert start == pace.not_before or pace.pause > FRAME_S


@pytest.mark.parametrize(
    ("busy", "pictures", "pause"),
    [
        (0.0, 0.0, 0.0),
        (0.017, 0.0, 0.017),
        (0.017, 0.4, 0.017 / 0.6),
        (0.017, 0.9, 0.017 / LEAST_SHARE),
        (9.0, 0.0, LONGEST_PAUSE_S),
    ],
)
def test_messages_get_what_pictures_leave(busy: float, pictures: float, pause: float) -> None:
    pace = MessagePace(lambda: pictures)
    pace.begin_pass(1.0)
    pace.end_pass(busy)
    assert pace.pause == pytest.approx(pause)
    assert pace.start_of_pass(1.0) == pytest.approx(1.0 + pause)


def test_what_one_pass_of_messages_cost_does_not_delay_the_one_after_the_next() -> None:
    pace = MessagePace(lambda: 0.0)
    for busy in (0.050, 0.002):
        pace.begin_pass(pace.not_before)
        pace.end_pass(busy)
    assert pace.pause == 0.002
