"""What a store keeps of moderation: what holds in each room, and who has ordered it.

An *order* is one thing that holds in a room until somebody orders otherwise: its modes, one ban,
one moderator, one word.  What it says is a JSON object that the store does not read.  They are read
at the start, all of them, because whether somebody may speak is asked at every message; afterwards
they are only written.

The log has an entry for everything that was ordered, in an order of its own for each room, and
forgets the oldest: it must not be a way to fill a disk.
"""

from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Order:
    """One thing that holds."""

    room: str
    kind: str
    subject: str
    """Whom, or what, it is about; empty where there is one of its kind in a room."""
    value: bytes


@attrs.frozen
class PutOrder:
    """This holds, and not what held of its subject before."""

    order: Order


@attrs.frozen(kw_only=True)
class DropOrder:
    """Nothing of this kind holds of the subject any more."""

    room: str
    kind: str
    subject: str


@attrs.frozen(kw_only=True)
class LogOrder:
    """Add to a room's log."""

    room: str
    at_ms: int
    value: bytes
    keep: int
    """Of the entries, those that came last."""


@attrs.frozen
class DropOrders:
    """Forget all of a room, and its log."""

    room: str


ModerationChange = PutOrder | DropOrder | LogOrder | DropOrders


@attrs.frozen(kw_only=True)
class Logged:
    """One entry."""

    number: int
    """In its room; grows."""
    at_ms: int
    value: bytes


class ModerationReader(Protocol):
    """What a store can be asked about moderation."""

    async def orders(self) -> list[Order]:
        """Everything that holds anywhere, by room, kind and subject."""

    async def order_log(self, room: str, *, below: int, limit: int) -> list[Logged]:
        """Entries with a number below this one (0 for the end), newest first."""
