"""What every store promises to who follows a stream's feed: what happened, and a queue."""

from contextlib import aclosing
from pathlib import Path

import pytest
from support.stores import NOW_MS, appended

from relay.store.contract import Store, StoreConflict
from relay.store.open import open_store
from relay.store.outbox import (
    DropSubscription,
    ForgetEvents,
    PutEndpoint,
    PutEvent,
    PutSubscription,
    QueueEvent,
    StoredEvent,
)

CAT, DOG = "live/cat", "live/dog"
ODD = "nul\0, lone \ud800, \u00e4"
ONLINE, UPDATED = "stream.online", "stream.updated"


def happened(name: str, at_ms: int, *, stream: str = CAT, type_: str = ONLINE) -> StoredEvent:
    return StoredEvent(id=name, at_ms=at_ms, stream=stream, type=type_, body=name.encode())


async def seen(
    store: Store, stream: str, *types: str, until_ms: int = NOW_MS, limit: int = 9
) -> list[str]:
    return [it.id for it in await store.events(stream, types, until_ms=until_ms, limit=limit)]


async def queue(store: Store, name: str) -> list[str]:
    return [it.event.id for it in (await store.deliveries(name, limit=99))[::-1]]


async def test_subscriptions_are_kept_overwritten_and_forgotten(store: Store) -> None:
    assert await store.subscriptions() == {}
    await store.commit([PutSubscription("a", b"1"), PutSubscription(ODD, b"\0\xff")])
    await store.commit([PutSubscription("a", b"2"), DropSubscription("nobody")])
    assert await store.subscriptions() == {"a": b"2", ODD: b"\0\xff"}
    await store.commit([DropSubscription("a")])
    assert await store.subscriptions() == {ODD: b"\0\xff"}
    assert await store.endpoints() == {}


async def test_an_event_is_queued_for_endpoints_and_for_subscriptions(store: Store) -> None:
    first, second = happened("e1", 1), happened("e2", 2)
    await store.commit([PutEvent(first, ("hook",)), QueueEvent(first, ("a", "b"))])
    await store.commit([PutEvent(second, ()), QueueEvent(second, ("a",)), QueueEvent(second, ())])
    assert await queue(store, "a") == ["e1", "e2"]
    assert await queue(store, "b") == await queue(store, "hook") == ["e1"]
    delivery = await store.next_delivery("a")
    assert delivery is not None
    assert (delivery.event, delivery.due_ms) == (first, 1)


async def test_a_batch_that_fails_queues_nothing(store: Store) -> None:
    event = happened("e1", 1)
    with pytest.raises(StoreConflict):
        await store.commit(
            [
                PutSubscription("a", b""),
                PutEvent(event, ()),
                QueueEvent(event, ("a",)),
                appended("nobody", 1),
            ]
        )
    assert await store.subscriptions() == {}
    assert await queue(store, "a") == await seen(store, CAT, ONLINE) == []


async def test_what_has_happened_of_a_stream_is_found_newest_first(store: Store) -> None:
    await store.commit(
        [
            PutEvent(happened("e1", 1), ()),
            PutEvent(happened("e2", 2, type_=UPDATED), ()),
            PutEvent(happened("e3", 2, type_="viewers.peak"), ()),
            PutEvent(happened("e4", 3, stream=DOG), ()),
            PutEvent(happened("e5", 3, stream=ODD, type_=ODD), ()),
            PutEvent(happened("e6", 4), ()),
        ]
    )
    assert await seen(store, CAT, ONLINE, UPDATED) == ["e6", "e2", "e1"]
    assert await seen(store, CAT, ONLINE, UPDATED, limit=2) == ["e6", "e2"]
    assert await seen(store, CAT, ONLINE, UPDATED, until_ms=3) == ["e2", "e1"]
    assert await seen(store, CAT, UPDATED) == ["e2"]
    assert await seen(store, DOG, ONLINE) == ["e4"]
    assert await seen(store, ODD, ODD) == ["e5"]
    assert await seen(store, "live/none", ONLINE) == await seen(store, CAT) == []


async def test_what_happened_at_once_has_an_order_of_its_own(store: Store) -> None:
    await store.commit([PutEvent(happened(name, 1), ()) for name in ("e2", "e3", "e1")])
    assert await seen(store, CAT, ONLINE) == ["e3", "e2", "e1"]


async def test_what_is_forgotten_has_not_happened(store: Store) -> None:
    old, new = happened("e1", 1), happened("e2", 200)
    await store.commit([PutEvent(old, ()), PutEvent(new, ()), ForgetEvents(100)])
    assert await seen(store, CAT, ONLINE) == ["e2"]
    await store.commit([ForgetEvents(300)])
    assert await seen(store, CAT, ONLINE) == []


async def test_deliveries_to_a_subscription_that_was_dropped_are_forgotten(store: Store) -> None:
    event = happened("e1", 1)
    await store.commit([PutSubscription(name, b"") for name in ("a", "b")])
    await store.commit([PutEndpoint("hook", b""), PutEvent(event, ("hook",))])
    await store.commit([QueueEvent(event, ("a", "b")), DropSubscription("a")])
    assert await queue(store, "a") == ["e1"]
    await store.commit([ForgetEvents(0)])
    assert await queue(store, "a") == []
    assert await queue(store, "b") == await queue(store, "hook") == ["e1"]
    # The event is kept while somebody is to be told of it.
    await store.commit([DropSubscription("b"), ForgetEvents(0), ForgetEvents(100)])
    assert await seen(store, CAT, ONLINE) == ["e1"]


async def test_a_subscription_and_its_queue_outlast_the_process(
    disk_url: str, tmp_path: Path
) -> None:
    event = happened("e1", 1)
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit(
            [PutSubscription("a", b"{}"), PutEvent(event, ()), QueueEvent(event, ("a",))]
        )
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        assert await store.subscriptions() == {"a": b"{}"}
        assert await queue(store, "a") == ["e1"]
        assert await seen(store, CAT, ONLINE) == ["e1"]
