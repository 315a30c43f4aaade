"""How push services behave, and which of them are left alone for now.

A few services carry the devices of everybody.  One that asks for time, or is not well, gets it as a
whole: a hundred thousand devices that are told one by one to come back later are a hundred thousand
requests that somebody has asked us not to make.
"""

import attrs

from relay.notify.push.judging import Fate, asked_s
from relay.notify.schedule import Outcome

PATIENCE = 4
"""Failures in a row that may happen to anybody: one for each of its connections."""
FIRST_REST_S, LONGEST_REST_S = 5.0, 300.0
"""How long a service is left alone that does not get better; twice as long each time."""


@attrs.define
class _Trouble:
    until_ms: float = 0.0
    failures: int = 0
    """In a row."""


@attrs.define(eq=False)
class Services:
    """Those that are in trouble; times are wall clock."""

    _troubles: dict[str, _Trouble] = attrs.field(factory=dict, init=False)

    def note(self, service: str, outcome: Outcome, fate: Fate, now_ms: int) -> None:
        """Take what came of a push."""
        if fate is not Fate.AGAIN:
            self.forget(service)
            return
        trouble = self._troubles.setdefault(service, _Trouble())
        trouble.failures += 1
        worse = trouble.failures - PATIENCE
        rest_s = min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(worse, 30)) if worse >= 0 else 0.0
        rest_s = max(rest_s, asked_s(outcome, now_ms))
        trouble.until_ms = max(trouble.until_ms, now_ms + 1000 * rest_s)

    def free_ms(self, service: str) -> float:
        """Until when it is left alone; a time that has passed if it is not."""
        trouble = self._troubles.get(service)
        return 0.0 if trouble is None else trouble.until_ms

    def forget(self, service: str) -> None:
        """Nothing is known against it, or nothing is to be sent there any more."""
        self._troubles.pop(service, None)
