"""Feeds as the store has what they are made of: as they are now, and as they were with an event."""

from collections import OrderedDict

import attrs

from relay.notify.websub.feed import MOST_EVENTS, TYPES, Feed, feed_of
from relay.notify.websub.topics import Topic
from relay.store.contract import Store
from relay.store.outbox import StoredEvent

KEPT = 64
"""Feeds in memory: an event goes to many subscribers, with the same feed."""
_END_MS = 2**62


@attrs.define(eq=False)
class Feeds:
    """See the head of this module."""

    _store: Store
    _source: str
    _sent: OrderedDict[tuple[Topic, str], bytes] = attrs.field(factory=OrderedDict, init=False)
    """By topic and event."""

    async def now(self, topic: Topic) -> Feed:
        """The feed with everything that has happened.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        return await self._until(topic, _END_MS)

    async def with_event(self, topic: Topic, event: StoredEvent) -> bytes:
        """The feed as it was when this happened.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        sent = self._sent.get((topic, event.id))
        if sent is None:
            sent = (await self._until(topic, event.at_ms)).body
            self._sent[topic, event.id] = sent
            if len(self._sent) > KEPT:
                self._sent.popitem(last=False)
        return sent

    async def _until(self, topic: Topic, until_ms: int) -> Feed:
        events = await self._store.events(topic.stream, TYPES, until_ms=until_ms, limit=MOST_EVENTS)
        return feed_of(topic, events, source=self._source)
