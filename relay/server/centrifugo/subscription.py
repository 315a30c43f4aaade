"""One connection's place in one channel.

Subscribing has two steps.  To *approach* a channel may wait: the store is asked for it, and for
what the subscriber has missed.  To *join* it waits for nothing: what has come meanwhile is added to
what was missed, the follower is put behind it, and the result says where that is.  Whoever joins
several channels approaches all of them first, because the pump may write as soon as anybody waits,
and a client drops what it gets for a channel that it has not heard of.
"""

from collections.abc import Sequence
from typing import Protocol

import attrs
import msgspec
import trio

from relay.channels.channel import Channel
from relay.channels.hub import RECOVERABLE, Hub
from relay.fanout.follower import Follower
from relay.fanout.outlet import Outlet
from relay.identity.caller import Caller
from relay.messages.centrifugo import replies
from relay.messages.centrifugo.codes import (
    INSUFFICIENT_STATE,
    SUBSCRIPTION_EXPIRED,
    UNSUBSCRIBED_BY_SERVER,
    CommandRefused,
    ErrorCode,
    Unsubscribe,
)
from relay.messages.centrifugo.replies import SubscribeResult
from relay.publication import Author, Position, Publication
from relay.reasons import Reason
from relay.server.centrifugo.deadlines import Deadline
from relay.server.centrifugo.encoding import PUBLICATIONS, WITH_JOINS
from relay.server.services import Services

_ENDS = {
    Reason.CHANNEL_CLOSED: Unsubscribe(
        UNSUBSCRIBED_BY_SERVER.code, Reason.CHANNEL_CLOSED.description
    ),
    # There may be another of the same name, and then nothing of this one is in it.
    Reason.CHANNEL_DELETED: INSUFFICIENT_STATE,
    Reason.RULES_CHANGED: INSUFFICIENT_STATE,
}


class Subscriber(Protocol):
    """The connection."""

    client: str
    subscriptions: dict[str, "Subscription"]

    @property
    def services(self) -> Services: ...
    @property
    def outlet(self) -> Outlet: ...
    def push(self, line: bytes) -> None: ...
    def fall_behind(self) -> None: ...


@attrs.frozen
class Approach:
    """A channel that can be joined, and what had come since a position when it was looked at."""

    channel: Channel
    since: Position | None
    missed: Sequence[Publication] | None
    """None where something of it may be missing, or nobody has asked."""


async def approach(hub: Hub, name: str, caller: Caller, since: Position | None) -> Approach:
    """See the head of this module.

    Raises:
        ChannelError: there is no such channel, or there are too many.
        StoreUnavailable: it cannot be read.
    """
    channel = await hub.open(name, caller)
    missed = None if since is None else await hub.catch_up(channel, since)
    return Approach(channel, since, missed)


def approach_nowait(hub: Hub, name: str, since: Position | None) -> Approach | None:
    """The same where there is nothing to wait for, which is nearly always; else None."""
    channel = hub.find(name)
    if channel is None:
        return None
    if since is None:
        return Approach(channel, None, None)
    missed = channel.missed(since)
    return None if missed is None or len(missed) > RECOVERABLE else Approach(channel, since, missed)


@attrs.frozen(kw_only=True)
class Terms:
    """How a subscription is to be."""

    author: Author
    """The subscriber, as the others are to see it."""
    tells_joins: bool = False
    rejects_unrecovered: bool = False
    expires_at: float | None = None
    """Wall clock, seconds."""
    data: bytes = b""
    """A JSON value for the subscriber."""


@attrs.define(eq=False)
class Subscription:
    """See the head of this module."""

    _subscriber: Subscriber
    channel: Channel
    _follower: Follower | None = attrs.field(default=None, init=False)
    _deadline: Deadline | None = attrs.field(default=None, init=False)

    def begin(self, terms: Terms) -> None:
        """Follow the channel behind its position."""
        services = self._subscriber.services
        encoding = WITH_JOINS if terms.tells_joins else PUBLICATIONS
        feed = self.channel.feed(encoding)
        self._follower = Follower(
            feed,
            self._subscriber.outlet,
            services.ports.monotonic,
            services.config.limits.lags_per_minute,
            self._end,
            self._subscriber.fall_behind,
        )
        feed.add_at_end(self._follower)
        self.channel.enter(terms.author, _now_ms(services))
        self.expire_at(terms.expires_at)

    def expire_at(self, when: float | None) -> None:
        """End then, unless another time is set before; None for never."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if when is not None:
            services = self._subscriber.services
            left = when - services.ports.wall() + services.config.limits.expired_grace_s
            self._deadline = services.deadlines.at(trio.current_time() + left, self._expire)

    def leave(self) -> None:
        """Follow no longer."""
        self.expire_at(None)
        if self._follower is not None:
            self._follower.leave()
            self._follower = None
        self._subscriber.subscriptions.pop(self.channel.name.text, None)
        self.channel.leave(self._subscriber.client, _now_ms(self._subscriber.services))

    def end(self, why: Unsubscribe) -> None:
        """Follow no longer, and tell the subscriber so."""
        self.leave()
        self._subscriber.push(replies.unsubscribed(self.channel.name.text, why))

    def _end(self, reason: Reason) -> None:
        self.end(_ENDS.get(reason, UNSUBSCRIBED_BY_SERVER))

    def _expire(self) -> None:
        self.end(SUBSCRIPTION_EXPIRED)


def join(subscriber: Subscriber, near: Approach, terms: Terms, most_bytes: int) -> SubscribeResult:
    """See the head of this module.  The result must be written before anybody waits.

    What was missed counts as lost where it takes more than `most_bytes`.

    Raises:
        CommandRefused: it subscribes already, or cannot recover as it wants to.
    """
    channel, services = near.channel, subscriber.services
    # Both may have happened while the channel was approached.
    if channel.name.text in subscriber.subscriptions:
        raise CommandRefused(ErrorCode.ALREADY_SUBSCRIBED)
    if len(subscriber.subscriptions) >= services.config.limits.subscriptions:
        raise CommandRefused(ErrorCode.LIMIT_EXCEEDED)
    recovered = _recovered(near, most_bytes)
    if recovered is None and near.since is not None and terms.rejects_unrecovered:
        raise CommandRefused(ErrorCode.UNRECOVERABLE_POSITION)
    result = _result(near, recovered, terms, services.ports.wall())
    subscription = subscriber.subscriptions[channel.name.text] = Subscription(subscriber, channel)
    subscription.begin(terms)
    return result


def _recovered(near: Approach, most_bytes: int) -> msgspec.Raw | None:
    """Everything that was missed; None where that is not known, or too much."""
    if near.since is None or near.missed is None:
        return None
    seen = near.missed[-1].offset if near.missed else near.since.offset
    newer = near.channel.missed(Position(near.since.epoch, seen))
    if newer is None:
        return None
    written = replies.publications((*near.missed, *newer))
    return written if len(bytes(written)) <= most_bytes else None


def _result(
    near: Approach, recovered: msgspec.Raw | None, terms: Terms, now: float
) -> SubscribeResult:
    channel = near.channel
    data = terms.data
    if channel.snapshot is not None and recovered is None:
        data = channel.snapshot()
    return SubscribeResult(
        epoch=channel.epoch,
        offset=channel.last_offset,
        recoverable=channel.namespace.history > 0,
        positioned=True,
        was_recovering=near.since is not None,
        recovered=recovered is not None,
        publications=recovered,
        data=msgspec.Raw(data) if data else None,
        expires=terms.expires_at is not None,
        ttl=ttl(terms.expires_at, now),
    )


def ttl(expires_at: float | None, now: float) -> int:
    """Whole seconds to the end, at least one; 0 where there is none."""
    return 0 if expires_at is None else max(1, int(expires_at - now))


def _now_ms(services: Services) -> int:
    return round(services.ports.wall() * 1000)
