"""When a callback is not asked any more, and when it is again."""

from typing import Literal

import attrs
import pytest

from relay.notify.breaker import FAILURES, OPEN_S, Breaker, State

Outcome = Literal["succeeded", "failed", "abandoned"]
FAILED: Outcome = "failed"
ONE_TOO_FEW: tuple[Outcome, ...] = (FAILED,) * (FAILURES - 1)


@attrs.define(eq=False)
class Bench:
    """A breaker, its clock, and what it has told."""

    now: float = 100.0
    told: list[State] = attrs.field(factory=list)
    breaker: Breaker = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.breaker = Breaker(self.told.append)

    def admitted(self) -> int:
        number = self.breaker.admit(self.now)
        assert number is not None
        return number

    def state(self) -> State:
        return self.breaker.state

    def report(self, number: int, outcome: Outcome) -> None:
        match outcome:
            case "succeeded":
                self.breaker.succeeded(number)
            case "failed":
                self.breaker.failed(number, self.now)
            case "abandoned":
                self.breaker.abandoned(number)

    def ask(self, *outcomes: Outcome) -> None:
        """One question after the other."""
        for outcome in outcomes:
            self.report(self.admitted(), outcome)

    def opened(self) -> "Bench":
        self.ask("failed", *ONE_TOO_FEW)
        return self


def test_it_opens_at_so_many_failures_in_a_row_and_not_before() -> None:
    bench = Bench()
    bench.ask(*ONE_TOO_FEW)
    assert bench.state() is State.CLOSED
    bench.ask("failed")
    assert bench.told == [State.OPEN]
    assert bench.breaker.admit(bench.now) is None
    assert bench.breaker.refuses(bench.now)


def test_an_answer_between_them_breaks_the_row() -> None:
    bench = Bench()
    for _ in range(FAILURES):
        bench.ask("failed", "failed", "succeeded", "abandoned")
    assert bench.state() is State.CLOSED
    assert bench.told == []


@pytest.mark.parametrize(
    ("outcome", "after"),
    [("succeeded", State.CLOSED), ("failed", State.OPEN), ("abandoned", State.OPEN)],
)
def test_one_probe_decides(outcome: Outcome, after: State) -> None:
    bench = Bench().opened()
    bench.now += OPEN_S
    probe = bench.admitted()
    assert bench.state() is State.HALF_OPEN
    assert bench.breaker.admit(bench.now + 100) is None
    bench.report(probe, outcome)
    assert bench.told == [State.OPEN, State.HALF_OPEN, after]


def test_it_stays_open_for_its_time_and_as_long_again_after_a_probe_that_failed() -> None:
    bench = Bench().opened()
    bench.now += OPEN_S - 0.001
    assert bench.breaker.admit(bench.now) is None
    bench.now += 0.001
    bench.ask("failed")
    bench.now += OPEN_S - 0.001
    assert bench.breaker.admit(bench.now) is None
    bench.now += 0.001
    bench.ask("succeeded")
    assert bench.state() is State.CLOSED


def test_after_a_probe_that_nobody_waited_for_the_next_is_one_at_once() -> None:
    bench = Bench().opened()
    bench.now += OPEN_S
    bench.ask("abandoned", "succeeded")
    assert bench.state() is State.CLOSED


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "abandoned"])
def test_what_was_asked_before_a_change_says_nothing_after_it(outcome: Outcome) -> None:
    bench = Bench()
    early = [bench.admitted() for _ in range(FAILURES + 2)]
    bench.opened()
    bench.report(early[0], outcome)
    assert bench.state() is State.OPEN
    bench.now += OPEN_S
    probe = bench.admitted()
    bench.report(early[1], outcome)
    assert bench.state() is State.HALF_OPEN
    bench.report(probe, "succeeded")
    for number in early:
        bench.report(number, outcome)
    assert bench.state() is State.CLOSED


def test_after_it_has_closed_the_row_begins_anew() -> None:
    bench = Bench().opened()
    bench.now += OPEN_S
    bench.ask("succeeded")
    bench.ask(*ONE_TOO_FEW)
    assert bench.state() is State.CLOSED
    bench.ask("failed")
    assert bench.state() is State.OPEN
