"""What a broadcast is cut into: init segments, parts, and segments of parts.

All times are milliseconds.  `media_ms` is on the session's timeline, as in everything that says
where in a broadcast something happened; `duration_ms` is what the samples inside declare.
"""

import attrs

from relay.tracks import Tracks


@attrs.frozen(kw_only=True, eq=False)
class Init:
    """What stands in front of segments of the same tracks: `ftyp` and `moov`."""

    number: int
    """From 0, one more for each change."""
    tracks: Tracks
    data: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True, eq=False)
class Head:
    """What is known of a segment when it begins."""

    number: int
    """From 0, one more for each segment: its media sequence number."""
    init: Init
    is_discontinuity: bool
    """Whether it follows a seam: a publisher has returned, or tracks have changed."""
    media_ms: int
    """When its first picture, or sound, is presented."""
    wall_ms: int
    """The wall clock then, milliseconds since 1970."""


@attrs.frozen(kw_only=True, eq=False)
class Part:
    """A run of whole fragments: each one `moof` and one `mdat`."""

    head: Head
    """Of the segment that it belongs to."""
    index: int
    """From 0 within its segment."""
    data: bytes = attrs.field(repr=False)
    start_ms: int
    """Where decoding of it starts, on the session's timeline."""
    duration_ms: int
    frames: int
    """How many pictures it has."""
    is_independent: bool
    """Whether there is a picture in it that needs no other one."""
    is_last: bool
    """Whether the segment ends with it."""
