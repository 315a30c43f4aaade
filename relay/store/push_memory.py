"""Web Push in a store that keeps nothing."""

from collections.abc import Collection, Iterator

import attrs

from relay.store.outbox_memory import MemoryOutbox
from relay.store.push import (
    AdvancePushWave,
    BeginPushWave,
    DropPushSubscription,
    DuePush,
    EndPushWaves,
    FinishedPush,
    FinishPushes,
    ForgetPushes,
    PushBacklog,
    PushChange,
    PushSubscription,
    PushWave,
    PutPushSubscription,
    RetryPush,
)


@attrs.frozen(kw_only=True)
class _Queued:
    id: int
    event: str
    subscription: str
    service: str
    attempts: int = 0
    due_ms: int


@attrs.define(eq=False)
class MemoryPush:
    """See `store.push`."""

    _outbox: MemoryOutbox
    _subscriptions: dict[str, PushSubscription] = attrs.field(factory=dict, init=False)
    _waves: dict[str, PushWave] = attrs.field(factory=dict, init=False)
    _queue: dict[int, _Queued] = attrs.field(factory=dict, init=False)
    _known: set[tuple[str, str]] = attrs.field(factory=set, init=False)
    """Device and event of all that is queued."""
    _last_id: int = attrs.field(default=0, init=False)

    def make(self, change: PushChange) -> None:
        """Make one change."""
        match change:
            case PutPushSubscription(subscription, most):
                self._put(subscription, most)
            case DropPushSubscription(subscription):
                self._drop(subscription)
            case BeginPushWave(event):
                self._waves[event] = PushWave(event=self._outbox.event(event))
            case AdvancePushWave():
                self._advance(change)
            case EndPushWaves(stream):
                self._waves = {k: v for k, v in self._waves.items() if v.event.stream != stream}
            case RetryPush(push=push) if push in self._queue:
                self._queue[push] = attrs.evolve(
                    self._queue[push], attempts=change.attempts, due_ms=change.due_ms
                )
            case FinishPushes(pushes):
                self._remove([it.push for it in pushes])
                for finished in pushes:
                    self._finish(finished)
            case ForgetPushes(now_ms):
                self._forget(now_ms)
            case _:
                pass

    def of_user(self, user: str) -> list[PushSubscription]:
        """See `Store.push_subscriptions`."""
        found = [it for it in self._subscriptions.values() if it.user == user]
        return sorted(found, key=lambda it: (-it.active_ms, it.id))

    def audience(
        self, users: Collection[str], event: str, active_since_ms: int
    ) -> list[PushSubscription]:
        """See `Store.push_audience`."""
        return [
            it
            for it in self._subscriptions.values()
            if it.user in users and it.active_ms >= active_since_ms and it.told != event
        ]

    def waves(self) -> list[PushWave]:
        """See `Store.push_waves`."""
        return list(self._waves.values())

    def backlog(self, event: str, now_ms: int) -> dict[str, PushBacklog]:
        """See `Store.push_backlog`."""
        found: dict[str, PushBacklog] = {}
        for it in self._queue.values():
            if it.event != event:
                continue
            counted = found.get(it.service, PushBacklog(0, 0))
            is_due = it.due_ms <= now_ms
            found[it.service] = PushBacklog(counted.due + is_due, counted.waiting + (not is_due))
        return found

    def due(self, service: str, events: Collection[str], now_ms: int, limit: int) -> list[DuePush]:
        """See `Store.due_pushes`."""
        due = [it for it in self._queued(service, events) if it.due_ms <= now_ms]
        due.sort(key=lambda it: (it.due_ms, it.id))
        return [
            DuePush(
                id=it.id,
                event=it.event,
                subscription=self._subscriptions[it.subscription],
                attempts=it.attempts,
            )
            for it in due[:limit]
        ]

    def next_ms(self, service: str, events: Collection[str]) -> int | None:
        """See `Store.next_push_ms`."""
        return min((it.due_ms for it in self._queued(service, events)), default=None)

    def _queued(self, service: str, events: Collection[str]) -> Iterator[_Queued]:
        return (it for it in self._queue.values() if it.service == service and it.event in events)

    def _put(self, it: PushSubscription, most: int) -> None:
        if (known := self._subscriptions.get(it.id)) is not None:
            it = attrs.evolve(it, made_ms=known.made_ms, told=known.told)
        self._subscriptions[it.id] = it
        others = [other.id for other in self.of_user(it.user) if other.id != it.id]
        for other in others[max(0, most - 1) :]:
            self._drop(other)

    def _drop(self, subscription: str) -> None:
        self._subscriptions.pop(subscription, None)
        self._remove([it.id for it in self._queue.values() if it.subscription == subscription])

    def _advance(self, change: AdvancePushWave) -> None:
        if (wave := self._waves.get(change.event)) is None:
            return
        self._waves[change.event] = attrs.evolve(wave, round=change.round, below=change.below)
        for subscription, service in change.pushes.items():
            if subscription not in self._subscriptions:
                continue
            if (subscription, change.event) in self._known:
                continue
            self._last_id += 1
            self._known.add((subscription, change.event))
            self._queue[self._last_id] = _Queued(
                id=self._last_id,
                event=change.event,
                subscription=subscription,
                service=service,
                due_ms=change.due_ms,
            )

    def _finish(self, finished: FinishedPush) -> None:
        if (it := self._subscriptions.get(finished.subscription)) is not None:
            self._subscriptions[it.id] = attrs.evolve(
                it, told=finished.event, refusals=finished.refusals
            )

    def _forget(self, now_ms: int) -> None:
        self._remove([it.id for it in self._queue.values() if it.event not in self._waves])
        for it in list(self._subscriptions.values()):
            if it.until_ms is not None and it.until_ms <= now_ms:
                self._drop(it.id)

    def _remove(self, pushes: list[int]) -> None:
        for push in pushes:
            if (it := self._queue.pop(push, None)) is not None:
                self._known.discard((it.subscription, it.event))
