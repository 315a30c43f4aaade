"""What is done after a push: it is done with, it is tried again, or its device is forgotten.

    2xx                 sent
    404, 410            the subscription is no more (RFC 8030, 7.3): forgotten
    429, 5xx, nothing   tried again, as long as it is news
    anything else       refused: done with, and a device that refuses again and again is forgotten

Apple's service answers 403, and not 410, for some subscriptions that are no more; and whoever has
given somebody else's URL for a subscription is refused there, and goes in the same way.
"""

import enum

import attrs

from relay.notify.schedule import JITTER, Outcome, retry_after_s
from relay.outbound.exchange import Answer
from relay.outbound.failures import Forbidden, OutboundError

DELAYS_S = (10, 60, 300, 900, 1800, 3600)
"""Between attempts, from the end of the one before; the last one ever after."""
MOST_REFUSALS = 3
"""In a row; a device is forgotten with the last of them."""
GONE = (404, 410)
TOO_LARGE = 413
TOO_MANY, UNAVAILABLE = 429, 503


class Fate(enum.Enum):
    """What becomes of a push; the value is for logs and metrics."""

    SENT = "sent"
    AGAIN = "again"
    DROPPED = "dropped"
    """It is given up; the device stays."""
    PRUNED = "pruned"
    """The device is forgotten."""


@attrs.frozen(kw_only=True)
class Verdict:
    """What is done now."""

    fate: Fate
    answer: str
    """In few words: a status, or why there was none."""
    due_ms: int = 0
    """Of one that is tried again."""
    refusals: int = 0
    """Of the device, from now on."""


def judge(
    outcome: Outcome, *, attempts: int, refusals: int, now_ms: int, until_ms: int, chance: float
) -> Verdict:
    """What an attempt means.

    Args:
        outcome: what came back.
        attempts: with this one.
        refusals: of the device, before it.
        now_ms: wall clock, after the attempt.
        until_ms: from when on it is no news any more.
        chance: from 0 to 1, for the jitter.
    """
    answer = _said(outcome)
    if _is_worth_another_try(outcome):
        delay_s = DELAYS_S[min(attempts, len(DELAYS_S)) - 1] * (1 + JITTER * chance)
        due_ms = now_ms + round(1000 * max(delay_s, asked_s(outcome, now_ms)))
        fate = Fate.AGAIN if due_ms < until_ms else Fate.DROPPED
        return Verdict(fate=fate, answer=answer, due_ms=due_ms, refusals=refusals)
    if isinstance(outcome, Answer):
        if 200 <= outcome.status < 300:
            return Verdict(fate=Fate.SENT, answer=answer)
        if outcome.status in GONE:
            return Verdict(fate=Fate.PRUNED, answer=answer)
        if outcome.status == TOO_LARGE:
            return Verdict(fate=Fate.DROPPED, answer=answer, refusals=refusals)
    fate = Fate.DROPPED if refusals + 1 < MOST_REFUSALS else Fate.PRUNED
    return Verdict(fate=fate, answer=answer, refusals=refusals + 1)


def asked_s(outcome: Outcome, now_ms: int) -> float:
    """How long a service asks to be left alone."""
    if isinstance(outcome, OutboundError) or outcome.status not in (TOO_MANY, UNAVAILABLE):
        return 0.0
    return retry_after_s(outcome.headers.get("retry-after", ""), now_ms)


def _is_worth_another_try(outcome: Outcome) -> bool:
    if isinstance(outcome, Answer):
        return outcome.status == TOO_MANY or outcome.status >= 500
    return not isinstance(outcome, Forbidden)


def _said(outcome: Outcome) -> str:
    if isinstance(outcome, OutboundError):
        return outcome.failure.label
    return str(outcome.status)
