"""Who publishes when two want to: the newest, within reason.

OBS sends one constant flashVer and NAT hides addresses, so nothing but the key identifies a
returning encoder; its old connection may still look alive for minutes.  Therefore the newest
connection with the right key takes over at once.  Two encoders that were both told to reconnect
would then replace each other for ever: after the third takeover within 30 s newcomers are denied
for 10 s.  A return after the former connection has closed is no takeover.
"""

from collections import deque

import attrs

from relay.reasons import Reason

FLAPS = 3
FLAP_WINDOW_S = 30.0
DENIED_S = 10.0


@attrs.define(eq=False)
class TakeoverGuard:
    """One broadcast's decisions; `now` is monotonic seconds."""

    _takeovers: deque[float] = attrs.field(factory=deque, init=False)
    _denied_until: float = attrs.field(default=float("-inf"), init=False)

    def refusal(self, now: float, *, is_live: bool, exclusive: bool) -> Reason | None:
        """Why a newcomer may not publish now; None when it may, and takes over if `is_live`."""
        if not is_live:
            return None
        if exclusive:
            return Reason.KEY_IN_USE
        if now < self._denied_until:
            return Reason.FLAPPING
        while self._takeovers and self._takeovers[0] <= now - FLAP_WINDOW_S:
            self._takeovers.popleft()
        if len(self._takeovers) + 1 >= FLAPS:
            self._takeovers.clear()
            self._denied_until = now + DENIED_S
            return Reason.FLAPPING
        self._takeovers.append(now)
        return None
