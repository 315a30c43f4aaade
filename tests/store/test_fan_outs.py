"""What every store promises where one event is for very many."""

from contextlib import aclosing
from pathlib import Path

import pytest
from support.stores import NOW_MS, appended, created

from relay.publication import Publication
from relay.store.contract import (
    ChannelRecord,
    DeleteChannel,
    Store,
    StoreConflict,
    Trim,
)
from relay.store.fan_outs import AdvanceFanOut, AppendToEach, BeginFanOut, FanOut
from relay.store.open import open_store
from relay.store.outbox import ForgetEvents, PutEvent, StoredEvent

ODD = "user:nul\0, lone \ud800, \u00e4"


def happened(number: int, stream: str = "live/cat") -> StoredEvent:
    return StoredEvent(
        id=f"evt_{number}", at_ms=NOW_MS, stream=stream, type="stream.online", body=b"%d" % number
    )


def to_each(*names: str, data: bytes = b'"news"', keep: int = 100, **ends: int) -> AppendToEach:
    channels = dict.fromkeys(names) | ends
    return AppendToEach(channels=channels, data=data, at_ms=NOW_MS, epoch="new", keep=keep)


async def read(store: Store, name: str) -> list[Publication]:
    return await store.read(name, after=0, limit=10_000)


async def record(store: Store, name: str) -> ChannelRecord:
    loaded = await store.load(name, keys_since_ms=0, latest=0)
    assert loaded is not None
    return loaded.record


async def test_each_is_appended_to_where_it_stands(store: Store) -> None:
    await store.commit([created("a"), appended("a", 1, 2), created("b"), created("c")])
    await store.commit([to_each("a", "b")])
    await store.commit([to_each("b", "a", data=b"2")])
    news = Publication(offset=3, data=b'"news"', at_ms=NOW_MS)
    assert (await read(store, "a"))[2:] == [news, Publication(offset=4, data=b"2", at_ms=NOW_MS)]
    assert [(it.offset, it.data) for it in await read(store, "b")] == [(1, b'"news"'), (2, b"2")]
    assert await read(store, "c") == []
    # And from there somebody else goes on.
    await store.commit([appended("a", 5)])
    assert (await record(store, "a")).last_offset == 5


async def test_what_is_not_there_is_made(store: Store) -> None:
    await store.commit([created("a", epoch="old"), to_each("a")])
    await store.commit([to_each("a", ODD, "user:b", guest=NOW_MS + 7)])
    assert (await record(store, "a")).epoch == "old"
    assert await record(store, ODD) == ChannelRecord(
        name=ODD, epoch="new", created_ms=NOW_MS, last_offset=1
    )
    assert len(await read(store, "user:b")) == 1
    assert (await record(store, "guest")).expires_ms == NOW_MS + 7
    assert await store.expired(NOW_MS + 7) == ["guest"]


async def test_what_is_closed_or_deleted_is_left_so(store: Store) -> None:
    await store.commit(
        [created("a"), appended("a", 1, closes=True), created("b"), appended("b", 1)]
    )
    await store.commit([DeleteChannel("b"), to_each("a", "b")])
    assert [it.offset for it in await read(store, "a")] == [1]
    # What was deleted before begins anew.
    assert [it.data for it in await read(store, "b")] == [b'"news"']
    await store.commit([to_each("a")])
    assert (await record(store, "a")).last_offset == 1


async def test_what_is_too_long_is_trimmed_now_and_then(store: Store) -> None:
    for _ in range(11):
        await store.commit([to_each("a", "b", keep=10)])
    assert len(await read(store, "a")) == 11
    await store.commit([Trim("b", 9), to_each("a", "b", keep=10)])
    assert [it.offset for it in await read(store, "a")] == list(range(3, 13))
    assert (await record(store, "a")).first_offset == 3
    # One that was trimmed by hand is not too long.
    assert [it.offset for it in await read(store, "b")] == [9, 10, 11, 12]


async def test_a_page_of_thousands_is_a_page(store: Store) -> None:
    names = [f"user:{number}" for number in range(3_000)]
    await store.commit([created(names[7]), appended(names[7], 1)])
    await store.commit([to_each(*names)])
    assert len(await store.names("user:")) == 3_000
    assert [it.offset for it in await read(store, names[7])] == [1, 2]
    assert [it.offset for it in await read(store, names[-1])] == [1]


async def test_to_nobody_is_nothing(store: Store) -> None:
    await store.commit([to_each()])
    assert await store.names() == []


async def test_a_fan_out_is_remembered_until_its_end(store: Store) -> None:
    assert await store.fan_outs() == []
    await store.commit([PutEvent(happened(2), ()), BeginFanOut("evt_2")])
    await store.commit([PutEvent(happened(1), ("a",)), BeginFanOut("evt_1")])
    assert await store.fan_outs() == [FanOut(event=happened(2)), FanOut(event=happened(1))]
    await store.commit([AdvanceFanOut("evt_2", 17)])
    assert await store.fan_outs() == [
        FanOut(event=happened(2), below=17),
        FanOut(event=happened(1)),
    ]
    await store.commit([AdvanceFanOut("evt_2", None), AdvanceFanOut("evt_2", 3)])
    assert await store.fan_outs() == [FanOut(event=happened(1))]
    await store.commit([AdvanceFanOut("evt_1", None), AdvanceFanOut("evt_1", None)])
    assert await store.fan_outs() == []


async def test_an_event_is_not_forgotten_while_it_is_being_told(store: Store) -> None:
    await store.commit([PutEvent(happened(1), ()), BeginFanOut("evt_1")])
    await store.commit([ForgetEvents(NOW_MS + 1)])
    assert await store.fan_outs() == [FanOut(event=happened(1))]
    await store.commit([AdvanceFanOut("evt_1", None), ForgetEvents(NOW_MS + 1)])
    # It is gone, so its id is free.
    await store.commit([PutEvent(happened(1), ())])


async def test_a_batch_that_fails_tells_nobody(store: Store) -> None:
    await store.commit([created("a")])
    with pytest.raises(StoreConflict):
        await store.commit(
            [
                PutEvent(happened(1), ()),
                BeginFanOut("evt_1"),
                to_each("a", "b"),
                appended("nobody", 1),
            ]
        )
    assert await store.fan_outs() == await read(store, "a") == []
    assert await store.names() == ["a"]


async def test_how_far_it_has_come_outlasts_the_process(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit([PutEvent(happened(1), ()), BeginFanOut("evt_1")])
        await store.commit([to_each("a"), AdvanceFanOut("evt_1", 5)])
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        assert await store.fan_outs() == [FanOut(event=happened(1), below=5)]
        assert [it.offset for it in await read(store, "a")] == [1]
