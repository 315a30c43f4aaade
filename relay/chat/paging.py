"""Which messages are asked for, and cursors that lead on from there.

A page begins beside an offset, and offsets neither change nor come again: messages that arrive
meanwhile stand behind all that was read, and nobody meets one twice or misses one.  A cursor is
such a place, with the epoch of the channel, so that it leads nowhere in another room, or in one of
the same name that has begun anew.  It grants nothing: whoever asks must be allowed to, each time.
"""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

import attrs

from relay.errors import FormatError

PAGE = 50
LARGEST_PAGE = 200
Get = Callable[[str], str | None]
"""A parameter by its name, if it is there."""
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
class Scene:
    """The same beside a media time of a session, milliseconds."""

    session: str
    media_ms: int
    is_older: bool


@attrs.frozen(kw_only=True)
class Asked:
    """What is asked for."""

    beside: Place | Moment | Scene
    limit: int


def asked(get: Get) -> Asked:
    """Read the parameters of a question.

    Raises:
        FormatError: one of them is not what it must be, or there are two places.
    """
    given: list[tuple[Callable[[str], Place | Moment | Scene], str]] = [
        (read, text) for name, read in _PLACES.items() if (text := get(name)) is not None
    ]
    session = get("session")
    for name, is_older in (("before_ms", True), ("after_ms", False)):
        if (text := get(name)) is not None:
            given.append((partial(_scene, session, name, is_older), text))
    if len(given) > 1:
        raise FormatError("one of `before`, `after`, their times and `cursor` is enough")
    beside = given[0][0](given[0][1]) if given else NEWEST
    return Asked(beside=beside, limit=read_limit(get("limit")))


def place_of(get: Get) -> Place | None:
    """The place in the parameters of a question, if there is one.

    Raises:
        FormatError: it cannot be read, or there are two.
    """
    readers = {"before": _before, "after": _after, "cursor": _cursor}
    given = [(read, text) for name, read in readers.items() if (text := get(name)) is not None]
    if len(given) > 1:
        raise FormatError("one of `before`, `after` and `cursor` is enough")
    return given[0][0](given[0][1]) if given else None


def read_limit(text: str | None) -> int:
    """How many are asked for.

    Raises:
        FormatError: it is no such number.
    """
    limit = PAGE if text is None else read_number("limit", text)
    if not 1 <= limit <= LARGEST_PAGE:
        raise FormatError(f"`limit` is from 1 to {LARGEST_PAGE}")
    return limit


def _before(text: str) -> Place:
    offset = read_number("before", text)
    if not offset:
        raise FormatError("nothing is before offset 0")
    return Place(offset=offset, is_older=True)


def _after(text: str) -> Place:
    return Place(offset=read_number("after", text), is_older=False)


def _before_time(text: str) -> Moment:
    return Moment(at_ms=read_time("before_time", text), is_older=True)


def _after_time(text: str) -> Moment:
    return Moment(at_ms=read_time("after_time", text), is_older=False)


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


def _scene(session: str | None, name: str, is_older: bool, text: str) -> Scene:
    if session is None:
        raise FormatError(f"`{name}` is a media time of a `session`")
    return Scene(session=session, media_ms=read_number(name, text), is_older=is_older)


def read_number(name: str, text: str) -> int:
    """A whole number, 0 or more.

    Raises:
        FormatError: it is none.
    """
    if not _DIGITS.fullmatch(text):
        raise FormatError(f"`{name}` is a whole number")
    return int(text)


def read_time(name: str, text: str) -> int:
    """A time in milliseconds since 1970.

    Raises:
        FormatError: it is none.
    """
    try:
        when = datetime.fromisoformat(text)
        if when.tzinfo is None:
            raise FormatError(f"`{name}` says no time zone")
        return round(when.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise FormatError(f"`{name}` is a time as RFC 3339 has it") from None


_PLACES: Mapping[str, Callable[[str], Place | Moment]] = {
    "before": _before,
    "after": _after,
    "before_time": _before_time,
    "after_time": _after_time,
    "cursor": _cursor,
}
