"""What a store keeps of notices: who is announced, what has happened, and who is to be told of it.

An event and its deliveries are one change, so that a crash neither forgets to tell somebody nor
tells somebody of what has not happened.  A delivery is to an *endpoint*, or to the subscription of
somebody who follows a stream's feed, in whose queue it stands in the order of its id; ids are given
by the store, and grow.

A delivery names its event and does not hold it: an event is kept as long as there is one, or it is
still being told to followers (`store.fan_outs`).
"""

import enum
from collections.abc import Collection
from typing import Protocol

import attrs


class DeliveryState(enum.Enum):
    """What has become of a delivery."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Nobody will try again by themselves."""
    REPLAYED = "replayed"
    """It was dead, and another delivery of the same event was queued for it."""


@attrs.frozen(kw_only=True)
class StoredEvent:
    """Something that has happened."""

    id: str
    """The same wherever it is told."""
    at_ms: int
    stream: str
    type: str
    body: bytes
    """As it is sent to everybody."""


@attrs.frozen(kw_only=True)
class Delivery:
    """One event on its way to one endpoint."""

    id: int
    endpoint: str
    event: StoredEvent
    state: DeliveryState = DeliveryState.QUEUED
    attempts: int = 0
    """So far."""
    due_ms: int
    """Of a queued one: when it may be tried next, once it is the first of its queue."""
    tried_ms: int | None = None
    """When it was tried last."""
    answer: str = ""
    """What came of that; empty before."""


@attrs.frozen
class PutAiring:
    """Remember that a stream is announced, and what must not be forgotten of that."""

    stream: str
    value: bytes | None
    """None when it is over."""


@attrs.frozen
class PutEndpoint:
    """Remember an endpoint, or what it has become."""

    endpoint: str
    value: bytes


@attrs.frozen
class DropEndpoint:
    """Forget an endpoint; what is queued for it is tidied up in time."""

    endpoint: str


@attrs.frozen
class PutSubscription:
    """Remember somebody who follows a stream's feed, or what has become of that."""

    subscription: str
    value: bytes


@attrs.frozen
class DropSubscription:
    """Forget a subscription; what is queued for it is tidied up in time."""

    subscription: str


@attrs.frozen
class PutEvent:
    """Something has happened, and these are to be told."""

    event: StoredEvent
    endpoints: tuple[str, ...]


@attrs.frozen
class QueueEvent:
    """These are to be told, too, of an event that is put in the same batch."""

    event: StoredEvent
    to: tuple[str, ...]
    """Endpoints or subscriptions."""


@attrs.frozen(kw_only=True)
class RecordAttempt:
    """What came of a delivery; changes nothing of one that is not there any more."""

    delivery: int
    state: DeliveryState
    attempts: int
    due_ms: int
    tried_ms: int
    answer: str


@attrs.frozen
class Requeue:
    """Queue the event of a delivery that is no longer queued once more, at the end."""

    delivery: int
    due_ms: int


@attrs.frozen
class ForgetEvents:
    """Forget some of what is older: deliveries that are not queued, then events without any; and
    deliveries to endpoints and subscriptions that were dropped.
    """

    before_ms: int


StandingChange = PutAiring | PutEndpoint | DropEndpoint | PutSubscription | DropSubscription
DeliveryChange = PutEvent | QueueEvent | RecordAttempt | Requeue | ForgetEvents
OutboxChange = StandingChange | DeliveryChange


class OutboxReader(Protocol):
    """What a store can be asked about all this."""

    async def airings(self) -> dict[str, bytes]:
        """What must not be forgotten of each announced stream, by its name."""

    async def endpoints(self) -> dict[str, bytes]:
        """Every endpoint."""

    async def subscriptions(self) -> dict[str, bytes]:
        """Every subscription."""

    async def events(
        self, stream: str, types: Collection[str], *, until_ms: int, limit: int
    ) -> list[StoredEvent]:
        """What has happened of a stream, of these types and until then, newest first."""

    async def next_delivery(self, endpoint: str) -> Delivery | None:
        """The first of its queue."""

    async def delivery(self, endpoint: str, delivery: int) -> Delivery | None:
        """One of its deliveries."""

    async def deliveries(
        self, endpoint: str, *, state: DeliveryState | None = None, below: int = 0, limit: int
    ) -> list[Delivery]:
        """Its deliveries, or those in a state, newest first; with ids below `below`, if not 0."""
