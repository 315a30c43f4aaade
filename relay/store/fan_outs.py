"""What a store does where one event is for very many: it remembers how far that has come.

An event for a hundred thousand followers is not a hundred thousand rows of the transaction that
announces it.  With the event stands one row, which says that it is to be told to the followers of
its stream, and how far that has come: to which of them, from the newest on.  They are told page by
page, and each page moves that mark in its own transaction.  So a crash loses nobody, and nobody is
told twice.

Most of them are not here, and their channels are in nobody's memory.  Those are appended to in the
store alone, wherever each of them stands: a page is a few statements, which say whose channels are
meant by naming two followers, and the database does the rest.
"""

from typing import Protocol

import attrs

from relay.store.outbox import StoredEvent

TRIM_SLACK = 1.1
"""A channel is trimmed when it is so much longer than it may be: seldom, and a lot."""


@attrs.frozen(kw_only=True)
class FanOut:
    """An event on its way to the followers of its stream."""

    event: StoredEvent
    below: int = 0
    """Followers with smaller ids are still to be told; 0 for all of them."""


@attrs.frozen
class BeginFanOut:
    """Tell an event, which is in the store by then, to everybody who follows its stream."""

    event: str


@attrs.frozen
class AdvanceFanOut:
    """Followers down to `below` have been told; None for all of them."""

    event: str
    below: int | None


@attrs.frozen(kw_only=True)
class AppendForFollowers:
    """Add one publication to the own channel of each of some followers, behind whatever is there.

    It is the one change whose offsets the store gives, so it is for channels that nobody has in
    memory, and in its batch nothing else is said of them.  One that is not there is made, and
    expires when its user does; one that is closed stays as it is.
    """

    stream: str
    newest: int
    """Followers with ids from here down to `oldest`, those whom it has then."""
    oldest: int
    apart: tuple[str, ...]
    """Users who are not meant."""
    prefix: str
    """A user's channel is called so, and then by the user's id."""
    data: bytes
    at_ms: int
    epoch: str
    """Of channels that are made."""
    expected: int
    """How many they are, unless somebody follows no longer."""
    keep: int
    """Publications in each."""
    trims: bool
    """Whether those that are too long are trimmed now; it need not be each time."""


FanOutChange = BeginFanOut | AdvanceFanOut | AppendForFollowers


class FanOutReader(Protocol):
    """What a store can be asked about it."""

    async def fan_outs(self) -> list[FanOut]:
        """Those that have not come to their end, in the order in which they began."""
