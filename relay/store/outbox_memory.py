"""Notices in a store that keeps nothing."""

import attrs

from relay.store.outbox import (
    Delivery,
    DeliveryState,
    DropEndpoint,
    ForgetEvents,
    OutboxChange,
    PutAiring,
    PutEndpoint,
    PutEvent,
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
    _dropped: set[str] = attrs.field(factory=set, init=False)
    _events: dict[str, StoredEvent] = attrs.field(factory=dict, init=False)
    _deliveries: dict[int, Delivery] = attrs.field(factory=dict, init=False)
    """In the order of their ids."""
    _queues: dict[str, dict[int, None]] = attrs.field(factory=dict, init=False)
    _last_id: int = attrs.field(default=0, init=False)

    def make(self, change: OutboxChange) -> None:
        """Make one change."""
        match change:
            case PutAiring(stream, None):
                self.airings.pop(stream, None)
            case PutAiring(stream, bytes(value)):
                self.airings[stream] = value
            case PutEndpoint(endpoint, value):
                self.endpoints[endpoint] = value
            case DropEndpoint(endpoint):
                self._drop(endpoint)
            case PutEvent(event, endpoints):
                self._events[event.id] = event
                for endpoint in endpoints:
                    self._queue(endpoint, event, event.at_ms)
            case RecordAttempt():
                self._record(change)
            case Requeue(delivery, due_ms):
                self._requeue(delivery, due_ms)
            case ForgetEvents(before_ms):
                self._forget(before_ms)

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

    def _drop(self, endpoint: str) -> None:
        if self.endpoints.pop(endpoint, None) is not None:
            self._dropped.add(endpoint)

    def _forget(self, before_ms: int) -> None:
        for it in list(self._deliveries.values()):
            is_old = it.state is not QUEUED and it.event.at_ms < before_ms
            if is_old or it.endpoint in self._dropped:
                del self._deliveries[it.id]
                self._queues.get(it.endpoint, {}).pop(it.id, None)
        self._dropped.clear()
        needed = {it.event.id for it in self._deliveries.values()}
        for event in list(self._events.values()):
            if event.at_ms < before_ms and event.id not in needed:
                del self._events[event.id]
