"""What is known of a broadcast from outside: its state, its bounds and its figures."""

import enum

import attrs

from relay.live.encodings import Format
from relay.tracks import Tracks


class State(enum.Enum):
    """Where a broadcast is in its life."""

    STARTING = "starting"
    """Somebody publishes; there is no keyframe yet."""
    LIVE = "live"
    HELD = "held"
    """The publisher is gone; viewers wait for it."""
    ENDED = "ended"


@attrs.frozen(kw_only=True)
class BroadcastSettings:
    """Bounds, in seconds and bytes."""

    hold_s: float
    gop_bytes: int
    gop_s: float


@attrs.frozen(kw_only=True)
class BroadcastStatistics:
    """A snapshot for pages, the operator and metrics."""

    name: str
    session: str
    state: State
    since: float
    viewers: dict[Format, int]
    """Connections that have really received media within the last seconds."""
    runs: int
    packets: int
    payload_bytes: int
    dropped: int
    repairs: dict[str, int]
    bits_per_second: int
    keyframe_interval_ms: int | None
    tracks: Tracks
    held_bytes: int
