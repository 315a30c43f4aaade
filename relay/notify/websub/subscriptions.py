"""All subscriptions, in memory and in the store.

All of them are in memory, because every event asks who wants it; only what has been committed is.
A lease that is over ends whatever it is asked for in that moment; that it is cleaned up later is
nobody's business.
"""

from collections import Counter
from collections.abc import Sequence

import attrs
import structlog
import trio

from relay.config.schema import WebsubConfig
from relay.errors import FormatError, RelayError
from relay.notify.websub.asking import Asked
from relay.notify.websub.subscription import Subscription, stored_subscription
from relay.ports import Ports
from relay.store.committing import commit
from relay.store.contract import Store
from relay.store.outbox import DropSubscription, PutSubscription
from relay.store.writer import Writer

log = structlog.get_logger("relay.websub")

ID_BYTES = 9


class TooManySubscriptions(RelayError):
    """There are as many as there may be: in all, or at this host."""


@attrs.define(eq=False)
class Subscriptions:
    """See the head of this module."""

    _config: WebsubConfig
    _ports: Ports
    _writer: Writer
    _by_id: dict[str, Subscription] = attrs.field(factory=dict, init=False)
    _by_pair: dict[tuple[str, str], str] = attrs.field(factory=dict, init=False)
    _by_stream: dict[str, dict[str, None]] = attrs.field(factory=dict, init=False)
    _hosts: Counter[str] = attrs.field(factory=Counter, init=False)
    _changing: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    async def load(self, store: Store) -> None:
        """Read what is kept.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        for subscription, value in (await store.subscriptions()).items():
            try:
                self._add(stored_subscription(value))
            except FormatError as error:
                # Somebody has been at the tables by hand.
                log.warning(
                    "a subscription cannot be read", subscription=subscription, problem=str(error)
                )

    def __len__(self) -> int:
        return len(self._by_id)

    def ids(self) -> list[str]:
        """Of all, in the order in which they came."""
        return list(self._by_id)

    def get(self, subscription: str) -> Subscription | None:
        """One of them, as it is now; None when its lease is over."""
        found = self._by_id.get(subscription)
        return None if found is None or self._is_over(found) else found

    def of(self, stream: str) -> tuple[str, ...]:
        """Those to the feed of a stream."""
        return tuple(each for each in self._by_stream.get(stream, ()) if self.get(each))

    def has(self, pair: tuple[str, str]) -> bool:
        """Whether there is one for this callback and topic."""
        return self.get(self._by_pair.get(pair, "")) is not None

    def check_room(self, host: str) -> None:
        """Let another one come.

        Raises:
            TooManySubscriptions: there are too many.
        """
        if len(self._by_id) >= self._config.subscriptions:
            raise TooManySubscriptions("there are as many subscriptions as there may be")
        if self._hosts[host] >= self._config.subscriptions_per_host:
            raise TooManySubscriptions("this host has as many subscriptions as it may have")

    async def put(self, asked: Asked, host: str, until_ms: int) -> Subscription:
        """Begin what was asked for, or go on with it; what is queued stays queued.

        Raises:
            TooManySubscriptions: there are too many.
            StoreUnavailable: it was not kept.
        """
        async with self._changing:
            subscription = Subscription(
                id=self._by_pair.get(asked.pair) or self._new_id(host),
                topic=asked.topic,
                callback=asked.callback,
                host=host,
                secret=asked.secret,
                until_ms=until_ms,
            )
            await commit(self._writer, PutSubscription(subscription.id, subscription.encoded()))
            self._add(subscription)
        return subscription

    async def end(self, pair: tuple[str, str]) -> None:
        """End the one for this callback and topic, if there is one, and forget what is queued.

        Raises:
            StoreUnavailable: it goes on.
        """
        if (subscription := self._by_pair.get(pair)) is not None:
            await self.drop([subscription])

    async def drop(self, subscriptions: Sequence[str]) -> None:
        """End these, and forget what is queued for them.

        Raises:
            StoreUnavailable: they go on.
        """
        async with self._changing:
            await commit(self._writer, *(DropSubscription(each) for each in subscriptions))
            for each in subscriptions:
                self._remove(each)

    def overdue(self) -> list[str]:
        """Those whose lease is over."""
        return [each.id for each in self._by_id.values() if self._is_over(each)]

    def _is_over(self, subscription: Subscription) -> bool:
        return subscription.until_ms <= self._ports.wall() * 1000

    def _new_id(self, host: str) -> str:
        self.check_room(host)
        return f"ws_{self._ports.random.randbytes(ID_BYTES).hex()}"

    def _add(self, subscription: Subscription) -> None:
        is_new = subscription.id not in self._by_id
        self._by_id[subscription.id] = subscription
        self._by_pair[subscription.pair] = subscription.id
        self._by_stream.setdefault(subscription.topic.stream, {})[subscription.id] = None
        self._hosts[subscription.host] += is_new

    def _remove(self, name: str) -> None:
        subscription = self._by_id.pop(name, None)
        if subscription is None:
            return
        del self._by_pair[subscription.pair]
        others = self._by_stream[subscription.topic.stream]
        del others[name]
        if not others:
            del self._by_stream[subscription.topic.stream]
        self._hosts[subscription.host] -= 1
        if not self._hosts[subscription.host]:
            del self._hosts[subscription.host]
