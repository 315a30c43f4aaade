"""Whether a publisher sends more than it may: counts and times only."""

import attrs

WINDOW_S = 10.0
"""A keyframe, or a burst after a stall, is no bitrate."""


@attrs.define(eq=False)
class BitrateGuard:
    """Looks at whole windows."""

    _bits_per_s: int
    _since: float | None = attrs.field(default=None, init=False)
    _bytes: int = attrs.field(default=0, init=False)

    def is_exceeded(self, now: float, received_bytes: int) -> bool:
        """Whether the window that has just ended was above the limit.

        `now` in seconds; `received_bytes` since the connection began.
        """
        if self._since is None:
            self._since, self._bytes = now, received_bytes
            return False
        elapsed = now - self._since
        if elapsed < WINDOW_S:
            return False
        bits = 8 * (received_bytes - self._bytes)
        self._since, self._bytes = now, received_bytes
        return bits > self._bits_per_s * elapsed
