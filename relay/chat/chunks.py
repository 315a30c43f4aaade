"""Pieces of what was said in a session, by its media time: for replays, and for caches.

A piece is *closed* once the picture has passed its end by `CLOSED_AFTER_MS`, or its session is
over: nothing more will be said in it, because a message has the media time of the moment in which
it is on its way to the store.  An open one is asked for anew each time.

A closed one may be kept by caches that everybody shares, but it does not stay the same for ever:
what is deleted or edited later is so in all of them.  So it is never called immutable.  It is fresh
for `FRESH_S`, which is how long a deleted message can still be read out of a cache, and then each
cache asks with the entity tag whether it is still that, which costs no body.
"""

import base64
import re

import attrs

from relay.chat.paging import read_number
from relay.errors import FormatError
from relay.publication import Moment
from relay.store.searching import MediaPlace, Span

CLOSED_AFTER_MS = 10_000
"""A commit takes less, or nothing else is acknowledged either."""
FRESH_S = 60
LONGEST_MS = 10 * 60 * 1000
CHUNK = 500
"""Messages in one answer; a piece that has more goes on by a cursor."""
SESSION_CHARACTERS = 128
_CURSOR = re.compile("([0-9]{1,18}) ([0-9]{1,18}) ([!-~]{1,64})")


@attrs.frozen(kw_only=True)
class Asked:
    """Which piece is asked for."""

    span: Span
    epoch: str | None
    """Of the channel, where a cursor says it."""

    def is_closed(self, moment: Moment | None) -> bool:
        """Whether nothing more will be said in it; the room's broadcast stands at `moment`."""
        if moment is None or moment.session != self.span.session:
            return True
        return moment.media_ms >= self.span.to_ms + CLOSED_AFTER_MS


def asked(session: str, from_ms: str | None, to_ms: str | None, cursor: str | None) -> Asked:
    """Read the parameters of a question.

    Raises:
        FormatError: one of them is not what it must be.
    """
    if len(session) > SESSION_CHARACTERS:
        raise FormatError("no session is called so")
    if from_ms is None or to_ms is None:
        raise FormatError("a piece of a session has `from_ms` and `to_ms`")
    start, end = read_number("from_ms", from_ms), read_number("to_ms", to_ms)
    if not start < end <= start + LONGEST_MS:
        raise FormatError(f"`to_ms` is above `from_ms`, by at most {LONGEST_MS}")
    epoch, after = (None, None) if cursor is None else _place(cursor)
    span = Span(session=session, from_ms=start, to_ms=end, after=after)
    if after is not None and not start <= after.media_ms < end:
        raise FormatError("the cursor is of another piece")
    return Asked(span=span, epoch=epoch)


def cursor_of(epoch: str, after: MediaPlace) -> str:
    """A place as a text that means nothing to anybody else."""
    text = f"{after.media_ms} {after.offset} {epoch}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(text: str) -> tuple[str, MediaPlace]:
    try:
        padded = text + "=" * (-len(text) % 4)
        found = _CURSOR.fullmatch(base64.b64decode(padded, b"-_", validate=True).decode("ascii"))
    except ValueError:
        found = None
    if found is None:
        raise FormatError("the cursor was not given out here")
    after = MediaPlace(int(found[1]), int(found[2]))
    if cursor_of(found[3], after) != text:
        raise FormatError("the cursor was not given out here")
    return found[3], after
