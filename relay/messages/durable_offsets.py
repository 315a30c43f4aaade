"""Where a reader of a durable stream stands, as text (Durable Streams, 8), and cursors (10.1).

An offset names a position between two messages: everything up to there has been seen.  It is the
channel's epoch and the number of the last message seen, filled up with zeros so that the offsets of
one stream sort as text.  Clients take it for opaque, and give it back.

A cursor is no position.  It only makes the address of the next poll another one, so that a cache
between us and the client cannot give it the same old answer for ever.
"""

import re

import attrs

from relay.errors import FormatError
from relay.publication import Position

OFFSET_DIGITS = 16
INTERVAL_S = 20
"""How long one cursor stays the same, so that who polls at the same time has the same address."""
CURSOR_EPOCH_S = 1_728_432_000
"""9 October 2024 in UTC, from where intervals are counted."""
CURSOR_DIGITS = 18
"""More than any that we give."""

_OFFSET = re.compile(r"([A-Za-z0-9.~-]{1,64})_([0-9]{16})", re.ASCII)


@attrs.frozen
class Beginning:
    """`-1`, or no offset at all: the oldest message that is kept."""


@attrs.frozen
class Now:
    """`now`: nothing of what is there, everything that comes."""


Start = Beginning | Now | Position
"""Where a read starts."""


def format_offset(position: Position) -> str:
    """The offset of a position."""
    return f"{position.epoch}_{position.offset:0{OFFSET_DIGITS}d}"


def parse_offset(text: str) -> Start:
    """What an `offset` parameter means.

    Raises:
        FormatError: we have never given this.
    """
    if text == "-1":
        return Beginning()
    if text == "now":
        return Now()
    found = _OFFSET.fullmatch(text)
    if found is None:
        raise FormatError("the offset is malformed")
    return Position(found[1], int(found[2]))


def next_cursor(theirs: str | None, now: float) -> int:
    """The cursor of a live answer: the interval of `now`, but always beyond the client's own.

    Beyond by one interval, and not by a random number of them: whoever comes with the same cursor
    gets the same one again, and goes on sharing an address.

    Args:
        theirs: the `cursor` parameter, which came from an earlier answer of ours.
        now: wall clock, seconds.

    Raises:
        FormatError: no cursor of ours looks so.
    """
    # A machine whose clock has never been set must not give what it would refuse.
    current = max(0, int(now - CURSOR_EPOCH_S) // INTERVAL_S)
    if theirs is None:
        return current
    if not (theirs.isascii() and theirs.isdecimal() and len(theirs) <= CURSOR_DIGITS):
        raise FormatError("the cursor is malformed")
    return max(current, int(theirs) + 1)
