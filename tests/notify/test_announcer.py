"""From what is seen to what is told: one transaction, then everybody."""

import json

import attrs
import pytest
import trio
from support.announcing import LIVE, STREAM, newsroom
from support.memory import in_virtual_time
from support.storing import SlowStore

from relay.config.schema import NamespaceConfig
from relay.notify.announcer import LOOK_EVERY_S
from relay.notify.events import Described
from relay.store.contract import Append
from relay.store.outbox import PutAiring, PutEvent, StoredEvent

SAID = Described(
    title="Cats",
    category="pets",
    picture="https://img.example/cat.jpg",
    user="u-1",
    is_listed=True,
)
OWN = f"stream:{STREAM}"


def events_of(store: SlowStore) -> list[StoredEvent]:
    """What was committed, in order."""
    changes = [change for _, batch in store.batches for change in batch]
    return [change.event for change in changes if isinstance(change, PutEvent)]


@in_virtual_time
async def test_an_event_says_what_happened_where_and_when_as_cloudevents_have_it() -> None:
    async with newsroom() as room:
        room.said[STREAM] = SAID
        room.show(LIVE)
        await trio.sleep(10)
        (event,) = await room.published(OWN)
    assert event.pop("id").startswith("evt_")
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "type": "stream.online",
        "source": "/relay",
        "subject": "live/cat",
        "time": "2023-11-14T22:13:23.000Z",
        "datacontenttype": "application/json",
    }
    assert data == {
        "app": "live",
        "name": "cat",
        "user": "u-1",
        "title": "Cats",
        "category": "pets",
        "picture": "https://img.example/cat.jpg",
        "session": "s-1",
        "since": "2023-11-14T22:13:20.000Z",
    }


@in_virtual_time
async def test_an_event_has_one_id_on_every_channel_and_in_the_store() -> None:
    store = SlowStore()
    async with newsroom(store) as room:
        room.endpoints = ("a", "b")
        room.show(LIVE)
        await trio.sleep(10)
        own, everybodys = await room.published(OWN), await room.published("streams")
        assert own == everybodys
        (stored,) = events_of(store)
        assert stored.id == own[0]["id"]
        assert json.loads(stored.body) == own[0]
        for endpoint in room.endpoints:
            delivery = await store.next_delivery(endpoint)
            assert delivery is not None
            assert delivery.event == stored
        assert room.woken == [["a", "b"]]


@in_virtual_time
async def test_the_event_its_deliveries_and_the_airing_are_one_transaction() -> None:
    store = SlowStore()
    async with newsroom(store) as room:
        room.endpoints = ("a",)
        room.show(LIVE)
        await trio.sleep(10)
    batches = [batch for _, batch in store.batches]
    assert len(batches) == 1
    assert [type(change) for change in batches[0]] == [PutAiring, PutEvent]
    assert batches[0][1] == PutEvent(events_of(store)[0], ("a",))


@in_virtual_time
async def test_a_durable_channel_is_written_with_it_and_heard_of_after_it() -> None:
    store = SlowStore(commit_s=1.0)
    durable = NamespaceConfig(name="streams", durable=True, subscribe="anyone")
    async with newsroom(store, durable) as room:
        room.show(LIVE)
        await trio.sleep(3.5)
        assert await room.published(OWN) == await room.published("streams") == []
        await trio.sleep(1.0)
        assert await room.types(OWN) == await room.types("streams") == ["stream.online"]
    (batch,) = [batch for _, batch in store.batches]
    assert sum(isinstance(change, Append) for change in batch) == 1


@in_virtual_time
async def test_a_publisher_that_flaps_is_announced_once() -> None:
    async with newsroom() as room:
        for flap in range(10):
            room.show(attrs.evolve(LIVE, session=f"s-{flap}"))
            await trio.sleep(4)
            room.show(None)
            await trio.sleep(2)
        assert await room.types(OWN) == ["stream.online"]
        await trio.sleep(60)
        events = await room.published(OWN)
        assert [event["type"] for event in events] == ["stream.online", "stream.offline"]
        assert events == await room.published("streams")


@in_virtual_time
async def test_what_only_some_may_find_is_announced_to_those_who_know_its_name() -> None:
    async with newsroom() as room:
        room.said[STREAM] = attrs.evolve(SAID, is_listed=False)
        room.endpoints = ("a",)
        room.show(LIVE)
        await trio.sleep(10)
        assert await room.types(OWN) == ["stream.online"]
        assert await room.types("streams") == []
        # The operator's own systems are told of everything.
        assert await room.store.next_delivery("a") is not None


@in_virtual_time
async def test_a_store_that_fails_delays_the_news_and_loses_and_doubles_nothing() -> None:
    failures = 3

    def fails(_: object) -> bool:
        nonlocal failures
        failures -= 1
        return failures >= 0

    store = SlowStore(fails=fails)
    durable = NamespaceConfig(name="streams", durable=True, subscribe="anyone")
    async with newsroom(store, durable) as room:
        room.endpoints = ("a",)
        room.show(LIVE)
        await trio.sleep(5)
        assert await room.published(OWN) == []
        assert failures < 2, "the store has not failed"
        room.show(None)
        await trio.sleep(60)
        events = await room.published(OWN)
        assert [event["type"] for event in events] == ["stream.online", "stream.offline"]
        assert events == await room.published("streams")
        # It says when it happened, not when the store took it.
        assert events[0]["time"] == "2023-11-14T22:13:23.000Z"
    tried = events_of(store)
    assert len({event.id for event in tried[:-1]}) == 1


@in_virtual_time
async def test_a_restart_while_live_is_neither_a_start_nor_an_end() -> None:
    store = SlowStore()
    async with newsroom(store) as room:
        room.show(LIVE)
        await trio.sleep(10)
    assert await store.airings() != {}
    async with newsroom(store, seed=4) as room:
        await trio.sleep(10)
        room.show(attrs.evolve(LIVE, session="s-2"))
        await trio.sleep(20)
        room.show(None)
        await trio.sleep(60)
    assert [event.type for event in events_of(store)] == ["stream.online", "stream.offline"]
    assert await store.airings() == {}


@in_virtual_time
async def test_a_publisher_that_does_not_survive_the_restart_is_offline() -> None:
    store = SlowStore()
    async with newsroom(store) as room:
        room.show(LIVE)
        await trio.sleep(10)
    async with newsroom(store, seed=4) as room:
        await trio.sleep(60)
        assert await room.types(OWN) == ["stream.offline"]


@in_virtual_time
async def test_what_is_said_of_a_stream_is_told_with_what_is_said_now() -> None:
    async with newsroom() as room:
        room.announcer.updated(STREAM)
        await trio.sleep(1)
        room.said[STREAM] = SAID
        room.announcer.updated(STREAM)
        await trio.sleep(10)
        titles = [event["data"]["title"] for event in await room.published(OWN)]
        assert titles == [None, "Cats"]
        assert set(await room.types(OWN)) == {"stream.updated"}


@in_virtual_time
async def test_a_channel_that_is_closed_does_not_keep_the_others_from_hearing() -> None:
    async with newsroom() as room:
        channel = await room.hub.open("streams")
        channel.close()
        room.show(LIVE)
        await trio.sleep(10)
        assert await room.types(OWN) == ["stream.online"]


@in_virtual_time
async def test_hooks_cost_a_look_a_few_times_a_second_however_often_they_call() -> None:
    looks = 0
    async with newsroom() as room:
        seen = room.stage.get

        def look(stream: str) -> object:
            nonlocal looks
            looks += 1
            return seen(stream)

        room.announcer._look = look  # type: ignore[assignment]  # counts
        room.stage[STREAM] = LIVE
        for _ in range(1000):
            room.announcer.changed(STREAM)
            await trio.sleep(0.01)
    assert 1 < looks <= 10 / LOOK_EVERY_S + 2


@in_virtual_time
async def test_a_stream_that_is_over_leaves_nothing_behind() -> None:
    async with newsroom() as room:
        for number in range(100):
            room.show(LIVE, f"live/{number}")
        await trio.sleep(5)
        assert room.announcer.announced == 100
        for number in range(100):
            room.show(None, f"live/{number}")
        await trio.sleep(60)
        assert room.announcer.announced == 200
        assert room.announcer._streams == {}
        assert await room.store.airings() == {}


@in_virtual_time
async def test_many_at_once_are_few_transactions() -> None:
    store = SlowStore()
    async with newsroom(store) as room:
        for number in range(1000):
            room.show(LIVE, f"live/{number}")
        await trio.sleep(5)
    assert len(events_of(store)) == 1000
    assert len(store.batches) == 4


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"session":1}'])
@in_virtual_time
async def test_an_airing_that_cannot_be_read_is_no_reason_to_stay_down(value: bytes) -> None:
    store = SlowStore()
    await store.commit([PutAiring("live/odd", value)])
    async with newsroom(store) as room:
        room.show(LIVE)
        await trio.sleep(10)
        assert await room.types(OWN) == ["stream.online"]
