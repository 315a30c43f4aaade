"""Feeds as the store has what they are made of: as they are now, and as they were with an event."""

from collections.abc import Callable
from functools import lru_cache, partial

import attrs

from relay.notify.websub.feed import MOST_EVENTS, TYPES, Feed, feed_of
from relay.notify.websub.topics import Topic
from relay.store.contract import Store
from relay.store.outbox import StoredEvent

KEPT = 32
"""Feeds in memory: to write one takes milliseconds, and many are sent the same."""
_END_MS = 2**62


@attrs.define(eq=False)
class Feeds:
    """See the head of this module."""

    _store: Store
    _source: str
    _written: Callable[[Topic, tuple[StoredEvent, ...]], Feed] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._written = lru_cache(KEPT)(partial(feed_of, source=self._source))

    async def now(self, topic: Topic) -> Feed:
        """The feed with everything that has happened.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        return await self._until(topic, _END_MS)

    async def with_event(self, topic: Topic, event: StoredEvent) -> Feed:
        """The feed as it was when this happened.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        return await self._until(topic, event.at_ms)

    async def _until(self, topic: Topic, until_ms: int) -> Feed:
        events = await self._store.events(topic.stream, TYPES, until_ms=until_ms, limit=MOST_EVENTS)
        return self._written(topic, tuple(events))
