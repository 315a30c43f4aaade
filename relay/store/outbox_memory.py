"""Notices in a store that keeps nothing."""

from collections.abc import Collection

import attrs

from relay.store.outbox import (
    Delivery,
    DeliveryChange,
    DeliveryState,
    DropEndpoint,
    DropSubscription,
    ForgetEvents,
    OutboxChange,
    PutAiring,
    PutEndpoint,
    PutEvent,
    PutSubscription,
    QueueEvent,
    RecordAttempt,
    Requeue,
    StoredEvent,
)

QUEUED = DeliveryState.QUEUED


@attrs.define(eq=False)
class MemoryOutbox:
    """See `store.outbox`."""

    airings: dict[str, bytes] = attrs.field(factory=dict, init=False)
    endpoints: dict[str, bytes] = attrs.field(factory=dict, init=False)
    subscriptions: dict[str, bytes] = attrs.field(factory=dict, init=False)
    needed: set[str] = attrs.field(factory=set, init=False)
    """Events that are kept whatever becomes of their deliveries."""
    _dropped: set[str] = attrs.field(factory=set, init=False)
    _events: dict[str, StoredEvent] = attrs.field(factory=dict, init=False)
    _of_streams: dict[str, dict[str, StoredEvent]] = attrs.field(factory=dict, init=False)
    """The same, by stream."""
    _deliveries: dict[int, Delivery] = attrs.field(factory=dict, init=False)
    """In the order of their ids."""
    _queues: dict[str, dict[int, None]] = attrs.field(factory=dict, init=False)
    _last_id: int = attrs.field(default=0, init=False)

    def make(self, change: OutboxChange) -> None:
        """Make one change."""
        match change:
            case PutAiring(stream, value):
                self._put_airing(stream, value)
            case PutEndpoint(endpoint, value):
                self.endpoints[endpoint] = value
            case DropEndpoint(endpoint):
                self._drop(self.endpoints, endpoint)
            case PutSubscription(subscription, value):
                self.subscriptions[subscription] = value
            case DropSubscription(subscription):
                self._drop(self.subscriptions, subscription)
            case _:
                self._deliver(change)

    def _deliver(self, change: DeliveryChange) -> None:
        match change:
            case PutEvent(event, endpoints):
                self._put(event)
                self._queue_all(event, endpoints)
            case QueueEvent(event, to):
                self._queue_all(event, to)
            case RecordAttempt():
                self._record(change)
            case Requeue(delivery, due_ms):
                self._requeue(delivery, due_ms)
            case ForgetEvents(before_ms):
                self._forget(before_ms)

    def events(
        self, stream: str, types: Collection[str], until_ms: int, limit: int
    ) -> list[StoredEvent]:
        """See `Store.events`."""
        found = [
            it
            for it in self._of_streams.get(stream, {}).values()
            if it.type in types and it.at_ms <= until_ms
        ]
        return sorted(found, key=lambda it: (it.at_ms, it.id), reverse=True)[:limit]

    def all_events(self, after: str, limit: int) -> list[StoredEvent]:
        """See `Store.all_events`."""
        return [one for name, one in sorted(self._events.items()) if name > after][:limit]

    def rewrite(self, event: str, body: bytes) -> None:
        """It says something else from now on."""
        if (one := self._events.get(event)) is None:
            return
        one = self._events[event] = attrs.evolve(one, body=body)
        self._of_streams[one.stream][event] = one
        for number, delivery in self._deliveries.items():
            if delivery.event.id == event:
                self._deliveries[number] = attrs.evolve(delivery, event=one)

    def event(self, event: str) -> StoredEvent:
        """One that is there."""
        return self._events[event]

    def first(self, endpoint: str) -> Delivery | None:
        """See `Store.next_delivery`."""
        for delivery in self._queues.get(endpoint, ()):
            return self._deliveries[delivery]
        return None

    def find(self, endpoint: str, delivery: int) -> Delivery | None:
        """See `Store.delivery`."""
        found = self._deliveries.get(delivery)
        return found if found is not None and found.endpoint == endpoint else None

    def latest(
        self, endpoint: str, state: DeliveryState | None, below: int, limit: int
    ) -> list[Delivery]:
        """See `Store.deliveries`."""
        found = [
            it
            for it in reversed(self._deliveries.values())
            if it.endpoint == endpoint
            and state in (None, it.state)
            and (not below or it.id < below)
        ]
        return found[:limit]

    def _put_airing(self, stream: str, value: bytes | None) -> None:
        if value is None:
            self.airings.pop(stream, None)
        else:
            self.airings[stream] = value

    def _put(self, event: StoredEvent) -> None:
        self._events[event.id] = event
        self._of_streams.setdefault(event.stream, {})[event.id] = event

    def _queue_all(self, event: StoredEvent, to: tuple[str, ...]) -> None:
        for each in to:
            self._queue(each, event, event.at_ms)

    def _queue(self, endpoint: str, event: StoredEvent, due_ms: int) -> None:
        self._last_id += 1
        delivery = Delivery(id=self._last_id, endpoint=endpoint, event=event, due_ms=due_ms)
        self._deliveries[delivery.id] = delivery
        self._queues.setdefault(endpoint, {})[delivery.id] = None

    def _record(self, change: RecordAttempt) -> None:
        if (found := self._deliveries.get(change.delivery)) is None:
            return
        self._deliveries[found.id] = attrs.evolve(
            found,
            state=change.state,
            attempts=change.attempts,
            due_ms=change.due_ms,
            tried_ms=change.tried_ms,
            answer=change.answer,
        )
        if change.state is not QUEUED:
            self._queues.get(found.endpoint, {}).pop(found.id, None)

    def _requeue(self, delivery: int, due_ms: int) -> None:
        found = self._deliveries.get(delivery)
        if found is None or found.state is QUEUED:
            return
        self._queue(found.endpoint, found.event, due_ms)
        if found.state is DeliveryState.DEAD:
            self._deliveries[delivery] = attrs.evolve(found, state=DeliveryState.REPLAYED)

    def _drop(self, kept: dict[str, bytes], name: str) -> None:
        if kept.pop(name, None) is not None:
            self._dropped.add(name)

    def _forget(self, before_ms: int) -> None:
        for it in list(self._deliveries.values()):
            is_old = it.state is not QUEUED and it.event.at_ms < before_ms
            if is_old or it.endpoint in self._dropped:
                del self._deliveries[it.id]
                self._queues.get(it.endpoint, {}).pop(it.id, None)
        self._dropped.clear()
        needed = self.needed | {it.event.id for it in self._deliveries.values()}
        for event in list(self._events.values()):
            if event.at_ms < before_ms and event.id not in needed:
                self._forget_event(event)

    def _forget_event(self, event: StoredEvent) -> None:
        del self._events[event.id]
        others = self._of_streams[event.stream]
        del others[event.id]
        if not others:
            del self._of_streams[event.stream]
