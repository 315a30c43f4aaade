"""What every store promises of notices: an event with its deliveries, and queues that last."""

from contextlib import aclosing
from pathlib import Path

import attrs
import pytest
from support.stores import NOW_MS, appended

from relay.store.contract import Store, StoreConflict
from relay.store.open import open_store
from relay.store.outbox import (
    Delivery,
    DeliveryState,
    DropEndpoint,
    ForgetEvents,
    PutAiring,
    PutEndpoint,
    PutEvent,
    RecordAttempt,
    Requeue,
    StoredEvent,
)

ODD = "nul\0, lone \ud800, \u00e4"


def happened(number: int, *, at_ms: int = NOW_MS) -> StoredEvent:
    return StoredEvent(
        id=f"evt_{number}",
        at_ms=at_ms + number,
        stream="live/cat",
        type="stream.online",
        body=b'{"id":"%d"}' % number,
    )


def attempt(delivery: Delivery, state: DeliveryState, **more: int) -> RecordAttempt:
    return RecordAttempt(
        delivery=delivery.id,
        state=state,
        attempts=delivery.attempts + 1,
        due_ms=more.get("due_ms", NOW_MS + 5000),
        tried_ms=NOW_MS + 100,
        answer="503",
    )


async def first(store: Store, endpoint: str) -> Delivery:
    delivery = await store.next_delivery(endpoint)
    assert delivery is not None
    return delivery


async def states(store: Store, endpoint: str) -> list[tuple[str, DeliveryState]]:
    found = await store.deliveries(endpoint, limit=100)
    return [(it.event.id, it.state) for it in reversed(found)]


async def test_airings_and_endpoints_are_kept_overwritten_and_forgotten(store: Store) -> None:
    assert await store.airings() == await store.endpoints() == {}
    await store.commit(
        [PutAiring("live/cat", b"1"), PutAiring(ODD, b"\0\xff"), PutEndpoint("a", b"1")]
    )
    await store.commit([PutAiring("live/cat", b"2"), PutEndpoint("a", b"2"), PutEndpoint(ODD, b"")])
    assert await store.airings() == {"live/cat": b"2", ODD: b"\0\xff"}
    assert await store.endpoints() == {"a": b"2", ODD: b""}
    await store.commit([PutAiring("live/cat", None), PutAiring("nobody", None), DropEndpoint("a")])
    assert await store.airings() == {ODD: b"\0\xff"}
    assert await store.endpoints() == {ODD: b""}


async def test_an_event_stands_in_the_queue_of_each_that_is_to_be_told(store: Store) -> None:
    await store.commit([PutEvent(happened(1), ("a", "b")), PutEvent(happened(2), ("a",))])
    await store.commit([PutEvent(happened(3), ())])
    delivery = await first(store, "a")
    assert delivery == Delivery(
        id=delivery.id, endpoint="a", event=happened(1), due_ms=happened(1).at_ms
    )
    assert [event for event, _ in await states(store, "a")] == ["evt_1", "evt_2"]
    assert [event for event, _ in await states(store, "b")] == ["evt_1"]
    assert await store.next_delivery("c") is None


async def test_every_text_of_an_event_comes_back(store: Store) -> None:
    event = StoredEvent(id=ODD, at_ms=0, stream=ODD, type=ODD, body=bytes(range(256)))
    await store.commit([PutEvent(event, (ODD,))])
    assert (await first(store, ODD)).event == event


async def test_what_came_of_an_attempt_is_kept_and_the_next_stands_first(store: Store) -> None:
    await store.commit([PutEvent(happened(1), ("a",)), PutEvent(happened(2), ("a",))])
    delivery = await first(store, "a")
    await store.commit([attempt(delivery, DeliveryState.QUEUED, due_ms=NOW_MS + 9)])
    again = await first(store, "a")
    assert again == attrs.evolve(
        delivery, attempts=1, due_ms=NOW_MS + 9, tried_ms=NOW_MS + 100, answer="503"
    )
    await store.commit([attempt(again, DeliveryState.DELIVERED)])
    assert (await first(store, "a")).event.id == "evt_2"
    found = await store.delivery("a", delivery.id)
    assert found is not None
    assert (found.attempts, found.state) == (2, DeliveryState.DELIVERED)


async def test_a_delivery_is_found_in_its_own_queue_only(store: Store) -> None:
    await store.commit([PutEvent(happened(1), ("a",))])
    delivery = await first(store, "a")
    assert await store.delivery("b", delivery.id) is None
    assert await store.delivery("a", delivery.id + 1) is None


async def test_an_attempt_at_what_is_gone_changes_nothing(store: Store) -> None:
    await store.commit([PutEvent(happened(1), ("a",))])
    delivery = await first(store, "a")
    gone = attrs.evolve(delivery, id=delivery.id + 100)
    await store.commit([attempt(gone, DeliveryState.DEAD), Requeue(gone.id, NOW_MS)])
    assert await states(store, "a") == [("evt_1", DeliveryState.QUEUED)]


async def test_a_dead_one_is_queued_once_more_behind_the_others(store: Store) -> None:
    await store.commit([PutEvent(happened(1), ("a",))])
    dead = await first(store, "a")
    await store.commit([attempt(dead, DeliveryState.DEAD), PutEvent(happened(2), ("a",))])
    await store.commit([Requeue(dead.id, NOW_MS + 7)])
    assert await states(store, "a") == [
        ("evt_1", DeliveryState.REPLAYED),
        ("evt_2", DeliveryState.QUEUED),
        ("evt_1", DeliveryState.QUEUED),
    ]
    again = (await store.deliveries("a", limit=1))[0]
    assert (again.event, again.attempts, again.due_ms) == (dead.event, 0, NOW_MS + 7)
    assert (again.answer, again.tried_ms) == ("", None)


async def test_a_delivered_one_stays_delivered_when_it_is_queued_again(store: Store) -> None:
    await store.commit([PutEvent(happened(1), ("a",))])
    delivery = await first(store, "a")
    # One that is queued is not queued twice.
    await store.commit([Requeue(delivery.id, NOW_MS)])
    await store.commit([attempt(delivery, DeliveryState.DELIVERED), Requeue(delivery.id, NOW_MS)])
    assert await states(store, "a") == [
        ("evt_1", DeliveryState.DELIVERED),
        ("evt_1", DeliveryState.QUEUED),
    ]


async def test_deliveries_are_listed_newest_first_by_state_and_in_pages(store: Store) -> None:
    await store.commit([PutEvent(happened(number), ("a", "b")) for number in range(5)])
    delivery = await first(store, "a")
    await store.commit([attempt(delivery, DeliveryState.DEAD)])
    page = await store.deliveries("a", limit=2)
    assert [it.event.id for it in page] == ["evt_4", "evt_3"]
    page = await store.deliveries("a", limit=2, below=page[-1].id)
    assert [it.event.id for it in page] == ["evt_2", "evt_1"]
    dead = await store.deliveries("a", state=DeliveryState.DEAD, limit=9)
    assert [it.event.id for it in dead] == ["evt_0"]


async def test_what_is_old_and_done_is_forgotten_and_what_is_queued_is_not(store: Store) -> None:
    await store.commit([PutEndpoint("a", b""), PutEvent(happened(1), ("a",))])
    done = await first(store, "a")
    await store.commit([attempt(done, DeliveryState.DELIVERED), PutEvent(happened(2), ("a",))])
    await store.commit([PutEvent(happened(3, at_ms=NOW_MS + 1000), ())])
    await store.commit([ForgetEvents(done.event.at_ms)])
    assert len(await states(store, "a")) == 2
    await store.commit([ForgetEvents(NOW_MS + 500)])
    assert await states(store, "a") == [("evt_2", DeliveryState.QUEUED)]
    # The event is gone as well, so its id is free.
    await store.commit([PutEvent(happened(1), ("a",))])


async def test_deliveries_to_nobody_are_forgotten(store: Store) -> None:
    await store.commit([PutEndpoint("a", b""), PutEvent(happened(1), ("a", "b"))])
    await store.commit([DropEndpoint("a"), PutEndpoint("b", b""), ForgetEvents(0)])
    assert await store.next_delivery("a") is None
    assert (await first(store, "b")).event.id == "evt_1"


async def test_a_batch_that_fails_announces_nothing(store: Store) -> None:
    with pytest.raises(StoreConflict):
        await store.commit(
            [PutAiring("live/cat", b"1"), PutEvent(happened(1), ("a",)), appended("nobody", 1)]
        )
    assert await store.airings() == {}
    assert await store.next_delivery("a") is None


async def test_queues_outlast_the_process(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit([PutAiring("live/cat", b"1"), PutEndpoint("a", b"{}")])
        await store.commit([PutEvent(happened(1), ("a",)), PutEvent(happened(2), ("a",))])
        delivery = await first(store, "a")
        await store.commit([attempt(delivery, DeliveryState.QUEUED)])
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        assert await store.airings() == {"live/cat": b"1"}
        assert await store.endpoints() == {"a": b"{}"}
        again = await first(store, "a")
        assert (again.event, again.attempts) == (happened(1), 1)
        # Ids are never used twice.
        await store.commit([PutEvent(happened(3), ("a",))])
        assert (await store.deliveries("a", limit=1))[0].id > delivery.id + 1
