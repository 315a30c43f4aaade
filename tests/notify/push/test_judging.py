"""What each answer means."""

import pytest

from relay.notify.push.judging import DELAYS_S, MOST_REFUSALS, Fate, Verdict, judge
from relay.notify.schedule import Outcome
from relay.outbound.exchange import Answer
from relay.outbound.failures import Failure, Forbidden, Unanswered

NOW, HOUR = 1_700_000_000_000, 3_600_000


def answer(status: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, b"", is_whole=True)


def judged(outcome: Outcome, *, attempts: int = 1, refusals: int = 0, left: int = HOUR) -> Verdict:
    return judge(
        outcome,
        attempts=attempts,
        refusals=refusals,
        now_ms=NOW,
        until_ms=NOW + left,
        chance=0.0,
    )


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_what_is_accepted_is_sent_and_former_refusals_are_forgiven(status: int) -> None:
    assert judged(answer(status), refusals=2) == Verdict(fate=Fate.SENT, answer=str(status))


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_no_more_goes_at_once(status: int) -> None:
    assert judged(answer(status)).fate is Fate.PRUNED


@pytest.mark.parametrize(
    "outcome",
    [answer(400), answer(401), answer(403), answer(302), answer(405), Forbidden(Failure.PRIVATE)],
)
def test_who_refuses_again_and_again_goes_in_the_end(outcome: Outcome) -> None:
    for refusals in range(MOST_REFUSALS - 1):
        verdict = judged(outcome, refusals=refusals)
        assert (verdict.fate, verdict.refusals) == (Fate.DROPPED, refusals + 1)
    assert judged(outcome, refusals=MOST_REFUSALS - 1).fate is Fate.PRUNED


def test_what_is_too_large_is_given_up_and_nobodys_fault() -> None:
    verdict = judged(answer(413), refusals=2)
    assert (verdict.fate, verdict.answer, verdict.refusals) == (Fate.DROPPED, "413", 2)


@pytest.mark.parametrize(
    "outcome", [answer(429), answer(500), answer(503), Unanswered(Failure.TIMED_OUT)]
)
def test_what_may_work_later_is_tried_by_the_schedule(outcome: Outcome) -> None:
    for attempts in range(1, 9):
        verdict = judged(outcome, attempts=attempts, refusals=1, left=24 * HOUR)
        delay_s = DELAYS_S[min(attempts, len(DELAYS_S)) - 1]
        assert (verdict.fate, verdict.refusals) == (Fate.AGAIN, 1)
        assert verdict.due_ms == NOW + 1000 * delay_s


@pytest.mark.parametrize(
    ("outcome", "waits_s"),
    [
        (answer(429, retry_after="120"), 120),
        (answer(503, retry_after="120"), 120),
        (answer(429, retry_after="1"), 10),
        (answer(429, retry_after="soon"), 10),
        (answer(500, retry_after="120"), 10),
    ],
)
def test_a_service_that_asks_for_time_gets_it(outcome: Outcome, waits_s: int) -> None:
    assert judged(outcome).due_ms == NOW + 1000 * waits_s


def test_what_would_come_too_late_to_be_news_is_given_up() -> None:
    assert judged(answer(500), left=10_001).fate is Fate.AGAIN
    assert judged(answer(500), left=10_000).fate is Fate.DROPPED
    assert judged(answer(429, retry_after="4000")).fate is Fate.DROPPED
