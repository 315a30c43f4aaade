"""What a store keeps of erasures: who is to be forgotten, how far that has come, and receipts.

An *erasure* is a row that says how far it has come; each of its steps changes the row and takes
something away, in one transaction.  So it goes on after a crash where it was, and counts nothing
twice.  Once it is done the row is its receipt, and says no more whom it was about.
"""

from typing import Protocol

import attrs

from relay.store.outbox import StoredEvent


@attrs.frozen(kw_only=True)
class StoredErasure:
    """One erasure."""

    id: str
    user: str | None
    """Who is to be forgotten; None once that is done."""
    value: bytes
    """How far it has come: a JSON object, which the store does not read."""


@attrs.frozen
class PutErasure:
    """There is such an erasure, or it has come further."""

    erasure: StoredErasure


@attrs.frozen
class ForgetKeysOf:
    """Forget the idempotency keys of a user, who publishes with none of them any more."""

    user: str


@attrs.frozen(kw_only=True)
class RewriteEvent:
    """An event says something else from now on; where it is not kept any more, nothing happens."""

    event: str
    body: bytes


ErasureChange = PutErasure | ForgetKeysOf | RewriteEvent


@attrs.frozen
class ReactionOf:
    """One reaction of a user."""

    room: str
    offset: int
    reaction: str


class ErasureReader(Protocol):
    """What a store can be asked about this."""

    async def erasure(self, name: str, /) -> StoredErasure | None:
        """The one of this id."""

    async def open_erasures(self) -> list[StoredErasure]:
        """Those that are not done, by id."""

    async def reactions_of(self, user: str, *, limit: int) -> list[ReactionOf]:
        """Some of a user's reactions, of rooms that are there."""

    async def all_events(self, *, after: str, limit: int) -> list[StoredEvent]:
        """Events whose ids come after this one, sorted by id."""
