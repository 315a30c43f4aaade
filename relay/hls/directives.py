"""What a player asks for when it reloads a playlist (rfc8216bis, 6.2.5).

A *blocking reload* names the segment, and the part of it, that the player does not have yet; the
answer comes when the playlist has it.  Whoever asks for what is far ahead has lost its way, or
wants to keep a server waiting, and is told so at once.
"""

import enum
import re
from math import ceil

import attrs

from relay.errors import FormatError
from relay.hls.cutter import PART_TARGET_MS
from relay.hls.window import Window
from relay.http.request import Query

AHEAD_SEGMENTS = 2
AHEAD_PARTS = ceil(3000 / PART_TARGET_MS)
"""The Advance Part Limit: as many parts as three seconds have."""

_NUMBER = re.compile("[0-9]{1,18}")


class Verdict(enum.Enum):
    """What is to be done about a reload."""

    ANSWER = enum.auto()
    WAIT = enum.auto()
    REFUSE = enum.auto()


@attrs.frozen
class Directives:
    """`_HLS_msn`, `_HLS_part` and `_HLS_skip`; others are for later versions to know."""

    number: int | None = None
    """The segment that the playlist must have, or a part of it."""
    index: int | None = None
    wants_skip: bool = False
    """Whether it may leave out what the player has."""


def read_directives(query: Query) -> Directives:
    """The directives in a playlist's query.

    Raises:
        FormatError: one is none, or a part is asked for of no segment.
    """
    number, index = _number(query, "_HLS_msn"), _number(query, "_HLS_part")
    if index is not None and number is None:
        raise FormatError("_HLS_part needs _HLS_msn")
    skip = query.get("_HLS_skip")
    # v2 may leave out date ranges as well; there are none here.
    if skip not in (None, "YES", "v2"):
        raise FormatError("_HLS_skip is YES or v2")
    return Directives(number, index, skip is not None)


def judge(asked: Directives, window: Window) -> Verdict:
    """Whether the playlist has what was asked for."""
    if asked.number is None or window.is_over:
        return Verdict.ANSWER
    last_whole = window.next_number - 1
    if asked.number > last_whole + AHEAD_SEGMENTS:
        return Verdict.REFUSE
    if asked.number <= last_whole:
        return _judge_whole(asked.number, asked.index, window)
    listed = len(window.open_parts) if asked.number == window.next_number else 0
    return _judge_open(asked.index, listed)


def _judge_whole(number: int, index: int | None, window: Window) -> Verdict:
    held = window.find(number)
    is_behind_its_end = index is not None and held is not None and index >= held.part_count
    # A part behind a segment's last is the first of the next one.
    if is_behind_its_end and number == window.next_number - 1:
        return _judge_open(0, len(window.open_parts))
    return Verdict.ANSWER


def _judge_open(index: int | None, listed: int) -> Verdict:
    if index is None:
        return Verdict.WAIT
    if index > listed - 1 + AHEAD_PARTS:
        return Verdict.REFUSE
    return Verdict.ANSWER if index < listed else Verdict.WAIT


def _number(query: Query, name: str) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise FormatError(f"{name} is a decimal number")
    return int(value)
