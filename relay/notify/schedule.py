"""What is done after an attempt: it is done, it is tried again, or it is given up.

The times are those that Standard Webhooks recommends ("Deliverability and reliability"): ten
attempts within some three days.  Jitter only ever adds, so that a crowd of deliveries that failed
together does not come back together, and nobody is asked sooner than the schedule says.
"""

from datetime import UTC
from email.utils import parsedate_to_datetime

import attrs

from relay.outbound.exchange import Answer
from relay.outbound.failures import OutboundError
from relay.store.outbox import Delivery, DeliveryState, RecordAttempt

DELAYS_S = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Before each attempt, from the end of the one before."""
JITTER = 0.1
"""How much is added at most, as a share of a delay."""
LONGEST_S = 86_400.0
"""What a receiver may ask for with Retry-After."""
GONE = 410

Outcome = Answer | OutboundError
"""What came of a request."""


@attrs.frozen(kw_only=True)
class Verdict:
    """What is done now."""

    record: RecordAttempt
    disables: bool
    """Whether the endpoint wants nothing more."""


def judge(delivery: Delivery, outcome: Outcome, *, now_ms: int, chance: float) -> Verdict:
    """What an attempt means.

    Args:
        delivery: as it was before.
        outcome: what came back.
        now_ms: wall clock, after the attempt.
        chance: from 0 to 1, for the jitter.
    """
    attempts = delivery.attempts + 1
    state, due_ms = _next(outcome, attempts, now_ms, chance)
    return Verdict(
        record=RecordAttempt(
            delivery=delivery.id,
            state=state,
            attempts=attempts,
            due_ms=due_ms,
            tried_ms=now_ms,
            answer=_said(outcome),
        ),
        disables=isinstance(outcome, Answer) and outcome.status == GONE,
    )


def _next(outcome: Outcome, attempts: int, now_ms: int, chance: float) -> tuple[DeliveryState, int]:
    if isinstance(outcome, Answer) and 200 <= outcome.status < 300:
        return DeliveryState.DELIVERED, now_ms
    is_gone = isinstance(outcome, Answer) and outcome.status == GONE
    if is_gone or attempts >= len(DELAYS_S):
        return DeliveryState.DEAD, now_ms
    wait_s = DELAYS_S[attempts] * (1 + JITTER * chance)
    if isinstance(outcome, Answer):
        wait_s = max(wait_s, retry_after_s(outcome.headers.get("retry-after", ""), now_ms))
    return DeliveryState.QUEUED, now_ms + round(wait_s * 1000)


def retry_after_s(text: str, now_ms: int) -> float:
    """What `Retry-After` asks for (RFC 9110, 10.2.3), a day at most; 0 where it asks nothing."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return min(LONGEST_S, float(text[:9]))
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    # A date in GMT is parsed with its zone; an obsolete one without.
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(LONGEST_S, max(0.0, when.timestamp() - now_ms / 1000))


def _said(outcome: Outcome) -> str:
    """In few words, for the operator: a status, or why there is none."""
    if isinstance(outcome, OutboundError):
        return outcome.failure.label
    return str(outcome.status)
