"""Who publishes when two want to: every state, every newcomer."""

import pytest

from relay.live.takeover import DENIED_S, FLAP_WINDOW_S, TakeoverGuard
from relay.reasons import Reason

NEWCOMERS = [
    # takeovers so far, is_live, exclusive, answer
    (0, False, False, None),
    (0, False, True, None),
    (0, True, False, None),
    (0, True, True, Reason.KEY_IN_USE),
    (1, False, False, None),
    (1, True, False, None),
    (1, True, True, Reason.KEY_IN_USE),
    (2, False, False, None),
    (2, False, True, None),
    (2, True, False, Reason.FLAPPING),
    (2, True, True, Reason.KEY_IN_USE),
    (3, False, False, None),
    (3, False, True, None),
    (3, True, False, Reason.FLAPPING),
    (3, True, True, Reason.KEY_IN_USE),
]


@pytest.mark.parametrize(("takeovers", "is_live", "exclusive", "answer"), NEWCOMERS)
def test_the_table(takeovers: int, *, is_live: bool, exclusive: bool, answer: Reason) -> None:
    guard = TakeoverGuard()
    for _ in range(takeovers):
        guard.refusal(100.0, is_live=True, exclusive=False)
    assert guard.refusal(101.0, is_live=is_live, exclusive=exclusive) is answer


def take_over(guard: TakeoverGuard, now: float) -> Reason | None:
    return guard.refusal(now, is_live=True, exclusive=False)


def test_who_flaps_is_denied_for_ten_seconds_and_then_begins_anew() -> None:
    guard = TakeoverGuard()
    assert take_over(guard, 0) is None
    assert take_over(guard, 1) is None
    assert take_over(guard, 2) is Reason.FLAPPING
    assert take_over(guard, 2 + DENIED_S - 0.001) is Reason.FLAPPING
    assert take_over(guard, 2 + DENIED_S) is None
    assert take_over(guard, 3 + DENIED_S) is None
    assert take_over(guard, 4 + DENIED_S) is Reason.FLAPPING


def test_takeovers_that_lie_apart_are_no_flapping() -> None:
    guard = TakeoverGuard()
    for number in range(10):
        assert take_over(guard, number * FLAP_WINDOW_S / 2) is None


def test_a_return_after_the_former_connection_closed_counts_for_nothing() -> None:
    guard = TakeoverGuard()
    for now in range(20):
        assert guard.refusal(now, is_live=False, exclusive=False) is None
    assert take_over(guard, 20) is None
