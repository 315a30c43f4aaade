"""How much was said in each minute, and by how many: counted as messages are kept.

The count of a minute changes in the transaction that keeps the message, so it is that of the log,
whatever ends the process.  Who has spoken in the running minute is known by the log alone: nothing
here names anybody.  What is deleted later was said all the same.
"""

from typing import Protocol

import attrs

MINUTE_MS = 60_000


@attrs.frozen(kw_only=True)
class Minute:
    """One minute of a room in which something was said."""

    minute: int
    """Since 1970, by the clock that the messages were sent by."""
    messages: int
    users: int
    """Different ones who said them; the site itself is none."""


@attrs.frozen
class ForgetMinutes:
    """Forget some of the minutes before this one, of all rooms."""

    before: int


class MinuteReader(Protocol):
    """What a store can be asked about minutes."""

    async def minutes(self, room: str, *, since: int, until: int) -> list[Minute]:
        """Those from `since` on that are before `until`, oldest first."""
