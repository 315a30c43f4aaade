"""How long publishers wait between reads follows from what reads cost, and how many they are."""

import pytest

from relay.server.ingest_pace import LONGEST_PAUSE_S, SHARE, SHORTEST_PAUSE_S, IngestPace


def settled(publishers: int, cost: float) -> IngestPace:
    pace = IngestPace()
    pace.publishers = publishers
    for _ in range(1000):
        pace.record(cost)
    return pace


PAUSES = [
    # publishers, CPU seconds of a read, pause in seconds
    (1, 20e-6, 0.0),
    (30, 20e-6, 0.0),
    (100, 20e-6, 0.025),
    (100, 32e-6, 0.040),
    (200, 45e-6, LONGEST_PAUSE_S),
    (1000, 45e-6, LONGEST_PAUSE_S),
    (0, 1.0, 0.0),
]


@pytest.mark.parametrize(("publishers", "cost", "pause"), PAUSES)
def test_the_pause_grows_with_publishers_and_cost(
    publishers: int, cost: float, pause: float
) -> None:
    assert settled(publishers, cost).pause == pytest.approx(pause, rel=0.01)


def test_a_pause_too_short_to_gather_anything_is_none() -> None:
    cost = SHARE * SHORTEST_PAUSE_S / 10
    assert settled(10, 0.99 * cost).pause == 0.0
    assert settled(10, 1.01 * cost).pause >= SHORTEST_PAUSE_S


def test_one_dear_read_does_not_make_others_wait() -> None:
    pace = settled(20, 20e-6)
    pace.record(0.001)
    assert pace.pause == 0.0


def test_reads_that_gather_more_and_cost_more_still_settle() -> None:
    """Longer pauses make dearer reads, which must not make ever longer pauses."""
    pace = IngestPace()
    pace.publishers = 100
    for _ in range(5000):
        pace.record(25e-6 + 73 * 2e-6 * pace.pause)
    usual = pace.pause
    pace.record(25e-6 + 73 * 2e-6 * usual)
    assert SHORTEST_PAUSE_S < usual < LONGEST_PAUSE_S / 2
    assert pace.pause == pytest.approx(usual, rel=0.01)
