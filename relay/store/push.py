"""What a store keeps of Web Push: where devices are reached, and who is still to be told.

An event goes out to the devices of a stream's followers as a *wave*.  With the event stands one
row, which says how far the wave has come among the followers.  It moves on page by page: in one
transaction the mark moves, and a page of *pushes* is queued.  What has come of a push is the next
transaction.  So a crash loses no device, and tells again at most those that were being told.

A wave has two rounds, and a push that is queued or done in the first is not queued in the second:
`told` is the last event that a device is done with.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

import attrs

from relay.store.outbox import StoredEvent


@attrs.frozen(kw_only=True)
class PushSubscription:
    """One device of a user, as its browser gave it."""

    id: str
    """Made of the endpoint, so the same device has the same."""
    user: str
    endpoint: str = attrs.field(repr=False)
    p256dh: bytes = attrs.field(repr=False)
    auth: bytes = attrs.field(repr=False)
    made_ms: int
    active_ms: int
    """When its user was last seen with it."""
    until_ms: int | None = None
    """From when on nobody can be this user any more; None for never."""
    refusals: int = 0
    """How many pushes in a row were refused."""
    told: str = ""
    """The last event that is done with, whether it was told or not."""


@attrs.frozen(kw_only=True)
class PushWave:
    """An event on its way to the devices of its stream's followers."""

    event: StoredEvent
    round: int = 0
    below: int = 0
    """Followers with smaller ids are still to be queued in this round; 0 for all of them."""


@attrs.frozen(kw_only=True)
class DuePush:
    """One event on its way to one device."""

    id: int
    event: str
    subscription: PushSubscription
    attempts: int
    """So far."""


@attrs.frozen
class PushBacklog:
    """What is queued of an event for one push service."""

    due: int
    waiting: int
    """Until it may be tried again."""


@attrs.frozen
class PutPushSubscription:
    """Remember a device, or that it was seen again, or that it is somebody else's now."""

    subscription: PushSubscription
    """`made_ms` and `told` of one that is there stay as they are."""
    most: int
    """So many of its user are kept: this one, and those that were seen last."""


@attrs.frozen
class DropPushSubscription:
    """Forget a device, and what is queued for it."""

    subscription: str


@attrs.frozen
class BeginPushWave:
    """Tell an event, which is in the store by then, to the devices of its stream's followers."""

    event: str


@attrs.frozen(kw_only=True)
class AdvancePushWave:
    """Move the mark of a wave, and queue what lies between."""

    event: str
    round: int
    below: int
    pushes: Mapping[str, str]
    """The push service of each device, by the device's id."""
    due_ms: int


@attrs.frozen
class EndPushWaves:
    """Tell nobody more of the events of a stream.  What is queued is tidied up in time."""

    stream: str


@attrs.frozen(kw_only=True)
class RetryPush:
    """A push is to be tried again."""

    push: int
    attempts: int
    due_ms: int


@attrs.frozen(kw_only=True)
class FinishedPush:
    """A push that is done with, whatever came of it."""

    push: int
    subscription: str
    event: str
    refusals: int
    """Of the subscription, from now on."""


@attrs.frozen
class FinishPushes:
    """Pushes are done with."""

    pushes: tuple[FinishedPush, ...]


@attrs.frozen
class ForgetPushes:
    """Forget some of what is queued for waves that are over, and devices of users that nobody can
    be any more.
    """

    now_ms: int


PushChange = (
    PutPushSubscription
    | DropPushSubscription
    | BeginPushWave
    | AdvancePushWave
    | EndPushWaves
    | RetryPush
    | FinishPushes
    | ForgetPushes
)


class PushReader(Protocol):
    """What a store can be asked about all this."""

    async def push_subscriptions(self, user: str) -> list[PushSubscription]:
        """The devices of a user, those first that were seen last."""

    async def push_audience(
        self, users: Collection[str], *, event: str, active_since_ms: int
    ) -> list[PushSubscription]:
        """Their devices that were seen since, and are not done with the event; in any order."""

    async def push_waves(self) -> list[PushWave]:
        """Those that are not over, in the order in which they began."""

    async def push_backlog(self, event: str, now_ms: int) -> dict[str, PushBacklog]:
        """What is queued of an event, by push service."""

    async def due_pushes(
        self, service: str, events: Collection[str], *, now_ms: int, limit: int
    ) -> list[DuePush]:
        """What may go to a push service now of these events, what was due first first."""

    async def next_push_ms(self, service: str, events: Collection[str]) -> int | None:
        """When something may go to a push service of these events; None for nothing."""
