"""Which messages are asked for, and cursors that lead on from there.

A page begins beside an offset, and offsets neither change nor come again: messages that arrive
meanwhile stand behind all that was read, and nobody meets one twice or misses one.  A cursor is
such a place, with the epoch of the channel, so that it leads nowhere in another room, or in one of
the same name that has begun anew.  It grants nothing: whoever asks must be allowed to, each time.
"""

import base64
import re
from datetime import datetime

import attrs

from relay.errors import FormatError

PAGE = 50
LARGEST_PAGE = 200
_DIGITS = re.compile("[0-9]{1,18}")
_CURSOR = re.compile("([<>])([0-9]{1,18}) ([!-~]{0,64})")


@attrs.frozen(kw_only=True)
class Place:
    """Messages on one side of an offset, the nearest first."""

    offset: int
    is_older: bool
    """Whether those below it are meant; those above it otherwise."""
    epoch: str = ""
    """Of the channel that it is in; empty for whichever it is, or where there was none yet."""

    def cursor(self) -> str:
        """The same as a text that means nothing to anybody else."""
        text = f"{'<' if self.is_older else '>'}{self.offset} {self.epoch}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


NEWEST = Place(offset=0, is_older=True)
"""The newest messages: those below the end."""


@attrs.frozen(kw_only=True)
class Moment:
    """The same beside a time, wall clock, milliseconds since 1970."""

    at_ms: int
    is_older: bool


@attrs.frozen(kw_only=True)
class Asked:
    """What is asked for."""

    beside: Place | Moment
    limit: int


def asked(
    *,
    before: str | None,
    after: str | None,
    before_time: str | None,
    after_time: str | None,
    cursor: str | None,
    limit: str | None,
) -> Asked:
    """Read the parameters of a question.

    Raises:
        FormatError: one of them is not what it must be, or there are two places.
    """
    given = [
        (read, text)
        for read, text in (
            (_before, before),
            (_after, after),
            (_before_time, before_time),
            (_after_time, after_time),
            (_cursor, cursor),
        )
        if text is not None
    ]
    if len(given) > 1:
        raise FormatError("one of `before`, `after`, their times and `cursor` is enough")
    beside = given[0][0](given[0][1]) if given else NEWEST
    return Asked(beside=beside, limit=_limit(limit))


def _limit(text: str | None) -> int:
    limit = PAGE if text is None else _number("limit", text)
    if not 1 <= limit <= LARGEST_PAGE:
        raise FormatError(f"`limit` is from 1 to {LARGEST_PAGE}")
    return limit


def _before(text: str) -> Place:
    offset = _number("before", text)
    if not offset:
        raise FormatError("nothing is before offset 0")
    return Place(offset=offset, is_older=True)


def _after(text: str) -> Place:
    return Place(offset=_number("after", text), is_older=False)


def _before_time(text: str) -> Moment:
    return Moment(at_ms=_time("before_time", text), is_older=True)


def _after_time(text: str) -> Moment:
    return Moment(at_ms=_time("after_time", text), is_older=False)


def _cursor(text: str) -> Place:
    try:
        padded = text + "=" * (-len(text) % 4)
        found = _CURSOR.fullmatch(base64.b64decode(padded, b"-_", validate=True).decode("ascii"))
    except ValueError:
        found = None
    if found is None:
        raise FormatError("the cursor was not given out here")
    place = Place(offset=int(found[2]), is_older=found[1] == "<", epoch=found[3])
    if place.cursor() != text:
        raise FormatError("the cursor was not given out here")
    return place


def _number(name: str, text: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise FormatError(f"`{name}` is a whole number")
    return int(text)


def _time(name: str, text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
        if when.tzinfo is None:
            raise FormatError(f"`{name}` says no time zone")
        return round(when.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise FormatError(f"`{name}` is a time as RFC 3339 has it") from None
