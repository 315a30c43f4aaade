"""What every store promises of Web Push: devices, waves that move on, and queues that last."""

from contextlib import aclosing
from pathlib import Path
from typing import Any

import attrs
import pytest
from support.stores import NOW_MS, appended

from relay.store.contract import Store, StoreConflict
from relay.store.open import open_store
from relay.store.outbox import PutEvent, StoredEvent
from relay.store.push import (
    AdvancePushWave,
    BeginPushWave,
    DropPushSubscription,
    EndPushWaves,
    FinishedPush,
    FinishPushes,
    ForgetPushes,
    PushBacklog,
    PushSubscription,
    PushWave,
    PutPushSubscription,
    RetryPush,
)

ODD = "nul\0, lone \ud800, \u00e4"
SERVICE, OTHER = "https://push.example", "https://other.example"
EVENT = StoredEvent(id="evt_1", at_ms=NOW_MS, stream="live/cat", type="stream.online", body=b"{}")


def device(name: str, user: str = "u-1", **more: Any) -> PushSubscription:
    return PushSubscription(
        **{
            "id": name,
            "user": user,
            "endpoint": f"https://push.example/{name}",
            "p256dh": b"\x04" + bytes(64),
            "auth": bytes(range(16)),
            "made_ms": NOW_MS,
            "active_ms": NOW_MS,
            **more,
        }
    )


def queued(*names: str, event: str = "evt_1", service: str = SERVICE, **more: Any) -> Any:
    said = {"round": 0, "below": 7, "due_ms": NOW_MS, **more}
    return AdvancePushWave(event=event, pushes=dict.fromkeys(names, service), **said)


async def with_devices(store: Store, *devices: PushSubscription) -> None:
    await store.commit([PutPushSubscription(each, 9) for each in devices])


async def on_air(store: Store, event: StoredEvent = EVENT) -> None:
    await store.commit([PutEvent(event, ()), BeginPushWave(event.id)])


async def names(store: Store, user: str = "u-1") -> list[str]:
    return [it.id for it in await store.push_subscriptions(user)]


async def due(store: Store, *events: str, service: str = SERVICE, at_ms: int = NOW_MS) -> list[str]:
    found = await store.due_pushes(service, events or ("evt_1",), now_ms=at_ms, limit=99)
    return [it.subscription.id for it in found]


async def test_a_device_comes_back_as_it_was(store: Store) -> None:
    it = device(
        ODD, ODD, endpoint=ODD, p256dh=bytes(range(256)), until_ms=2**53, refusals=2, told=ODD
    )
    await with_devices(store, it, device("b", "u-2"))
    assert await store.push_subscriptions(ODD) == [it]
    assert await store.push_subscriptions("u-3") == []


async def test_a_device_that_is_put_again_is_the_same_one_and_may_be_somebody_elses(
    store: Store,
) -> None:
    await with_devices(store, device("a", refusals=2, told="evt_0"))
    again = device("a", "u-2", made_ms=NOW_MS + 5, active_ms=NOW_MS + 5, auth=b"x" * 16)
    await with_devices(store, again)
    assert await names(store) == []
    (found,) = await store.push_subscriptions("u-2")
    assert found == attrs.evolve(again, made_ms=NOW_MS, told="evt_0")


async def test_of_one_users_devices_those_seen_last_are_kept(store: Store) -> None:
    await on_air(store)
    for number in range(4):
        it = device(f"d{number}", active_ms=NOW_MS + number)
        await store.commit([PutPushSubscription(it, 3), queued("d0")])
    assert await names(store) == ["d3", "d2", "d1"]
    await store.commit([PutPushSubscription(device("old", active_ms=0), 3)])
    assert await names(store) == ["d3", "d2", "old"]
    await with_devices(store, device("x", "u-2"))
    await store.commit([PutPushSubscription(device("only"), 1)])
    assert (await names(store), await names(store, "u-2")) == (["only"], ["x"])
    # What was queued for those that went is not counted any more.
    assert await store.push_backlog("evt_1", NOW_MS) == {}


async def test_a_device_is_dropped_with_what_is_queued_for_it(store: Store) -> None:
    await on_air(store)
    await with_devices(store, device("a"), device("b"))
    await store.commit([queued("a", "b"), DropPushSubscription("a"), DropPushSubscription("no")])
    assert await names(store) == ["b"]
    assert await due(store) == ["b"]
    assert await store.push_backlog("evt_1", NOW_MS) == {SERVICE: PushBacklog(1, 0)}


async def test_the_audience_is_who_was_seen_since_and_is_not_told_yet(store: Store) -> None:
    await with_devices(
        store,
        device("a", "u-1", active_ms=NOW_MS),
        device("b", "u-1", active_ms=NOW_MS - 1),
        device("c", "u-2", told="evt_1"),
        device("d", "u-2", told="evt_0"),
        device("e", "u-3"),
    )

    async def audience(since_ms: int) -> set[str]:
        found = await store.push_audience(
            ["u-1", "u-2", "nobody"], event="evt_1", active_since_ms=since_ms
        )
        return {it.id for it in found}

    assert await audience(0) == {"a", "b", "d"}
    assert await audience(NOW_MS) == {"a", "d"}
    assert await store.push_audience([], event="evt_1", active_since_ms=0) == []


async def test_a_wave_begins_with_its_event_moves_on_and_ends(store: Store) -> None:
    second = attrs.evolve(EVENT, id="evt_2", stream=ODD)
    await on_air(store)
    await on_air(store, second)
    assert await store.push_waves() == [PushWave(event=EVENT), PushWave(event=second)]
    await store.commit([queued(below=41, round=1)])
    assert (await store.push_waves())[0] == PushWave(event=EVENT, round=1, below=41)
    await store.commit([EndPushWaves("live/cat"), EndPushWaves("live/nobody")])
    assert await store.push_waves() == [PushWave(event=second)]


async def test_a_wave_that_is_over_queues_nothing_more(store: Store) -> None:
    await on_air(store)
    await with_devices(store, device("a"))
    await store.commit([EndPushWaves("live/cat"), queued("a")])
    assert await due(store) == []
    assert await store.push_waves() == []


async def test_a_page_is_queued_with_its_mark_or_not_at_all(store: Store) -> None:
    await on_air(store)
    await with_devices(store, device("a"))
    with pytest.raises(StoreConflict):
        await store.commit([queued("a"), appended("nobody", 1)])
    assert await store.push_waves() == [PushWave(event=EVENT)]
    assert await due(store) == []


async def test_a_device_stands_in_the_queue_of_an_event_once(store: Store) -> None:
    await on_air(store)
    await on_air(store, attrs.evolve(EVENT, id="evt_2"))
    await with_devices(store, device("a"), device("b"))
    await store.commit([queued("a"), queued("a", "b", "gone"), queued("a", event="evt_2")])
    assert await due(store) == ["a", "b"]
    assert await due(store, "evt_1", "evt_2") == ["a", "b", "a"]
    assert await due(store, "evt_2") == ["a"]


async def test_what_is_due_comes_by_service_and_by_time(store: Store) -> None:
    await on_air(store)
    await with_devices(store, *(device(name) for name in "abcd"))
    await store.commit(
        [
            queued("a", due_ms=NOW_MS + 2),
            queued("b", due_ms=NOW_MS + 1),
            queued("c", due_ms=NOW_MS + 2),
            queued("d", service=OTHER, due_ms=NOW_MS + 9),
        ]
    )
    assert await due(store, at_ms=NOW_MS) == []
    assert await due(store, at_ms=NOW_MS + 1) == ["b"]
    assert await due(store, at_ms=NOW_MS + 2) == ["b", "a", "c"]
    first = await store.due_pushes(SERVICE, ["evt_1"], now_ms=NOW_MS + 9, limit=1)
    assert [it.subscription for it in first] == [device("b")]
    assert (first[0].event, first[0].attempts) == ("evt_1", 0)
    assert await store.next_push_ms(SERVICE, ["evt_1"]) == NOW_MS + 1
    assert await store.next_push_ms(OTHER, ["evt_1"]) == NOW_MS + 9
    assert await store.next_push_ms(OTHER, ["evt_2"]) is None
    assert await store.next_push_ms(OTHER, []) is None
    assert await store.push_backlog("evt_1", NOW_MS + 1) == {
        SERVICE: PushBacklog(1, 2),
        OTHER: PushBacklog(0, 1),
    }


async def test_what_is_tried_again_keeps_its_attempts_and_its_time(store: Store) -> None:
    await on_air(store)
    await with_devices(store, device("a"))
    await store.commit([queued("a")])
    (push,) = await store.due_pushes(SERVICE, ["evt_1"], now_ms=NOW_MS, limit=9)
    await store.commit([RetryPush(push=push.id, attempts=3, due_ms=NOW_MS + 50)])
    assert await due(store) == []
    (again,) = await store.due_pushes(SERVICE, ["evt_1"], now_ms=NOW_MS + 50, limit=9)
    assert again == attrs.evolve(push, attempts=3)
    await store.commit([RetryPush(push=push.id + 1, attempts=3, due_ms=0)])


async def test_what_is_done_with_is_not_queued_again(store: Store) -> None:
    await on_air(store)
    await with_devices(store, device("a"))
    await store.commit([queued("a")])
    (push,) = await store.due_pushes(SERVICE, ["evt_1"], now_ms=NOW_MS, limit=9)
    done = FinishedPush(push=push.id, subscription="a", event="evt_1", refusals=2)
    await store.commit([FinishPushes((done,)), FinishPushes(())])
    assert await due(store) == []
    assert await store.push_audience(["u-1"], event="evt_1", active_since_ms=0) == []
    (found,) = await store.push_subscriptions("u-1")
    assert (found.told, found.refusals) == ("evt_1", 2)
    await store.commit([FinishPushes((done, attrs.evolve(done, subscription="gone")))])


async def test_what_is_over_and_who_cannot_be_any_more_is_forgotten(store: Store) -> None:
    await on_air(store)
    await on_air(store, attrs.evolve(EVENT, id="evt_2", stream="live/dog"))
    await with_devices(
        store, device("a"), device("b", until_ms=NOW_MS), device("c", until_ms=NOW_MS + 1)
    )
    await store.commit([queued("a"), queued("a", "b", "c", event="evt_2")])
    await store.commit([EndPushWaves("live/cat"), ForgetPushes(NOW_MS)])
    assert sorted(await names(store)) == ["a", "c"]
    assert await due(store, "evt_1", "evt_2") == ["a", "c"]
    assert await store.push_backlog("evt_1", NOW_MS) == {}


async def test_all_of_it_outlasts_the_process(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await on_air(store)
        await with_devices(store, device("a"))
        await store.commit([queued("a", below=5)])
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        assert await store.push_waves() == [PushWave(event=EVENT, below=5)]
        assert await due(store) == ["a"]
        assert await store.push_subscriptions("u-1") == [device("a")]
