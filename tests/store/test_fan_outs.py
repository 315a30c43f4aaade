"""What every store promises where one event is for very many."""

from contextlib import aclosing
from pathlib import Path

import attrs
import pytest
from support.stores import NOW_MS, appended, created

from relay.publication import Publication
from relay.store.contract import (
    ChannelRecord,
    DeleteChannel,
    ProducerMark,
    Store,
    StoreConflict,
    Trim,
)
from relay.store.fan_outs import AdvanceFanOut, AppendForFollowers, BeginFanOut, FanOut
from relay.store.follows import DropFollow, Follow, PutFollow
from relay.store.open import open_store
from relay.store.outbox import ForgetEvents, PutEvent, StoredEvent

ODD = "nul\0, lone \ud800, \u00e4"


def happened(number: int, stream: str = "live/cat") -> StoredEvent:
    return StoredEvent(
        id=f"evt_{number}", at_ms=NOW_MS, stream=stream, type="stream.online", body=b"%d" % number
    )


async def told(
    store: Store, *users: str, data: bytes = b'"news"', keep: int = 100, trims: bool = True
) -> None:
    """The channels of these, who follow `live/cat` and nobody else does, are appended to."""
    for follow in await store.followers("live/cat", limit=10_000):
        await store.commit([DropFollow(follow.user, follow.stream)])
    await store.commit(
        [
            PutFollow(user=user, stream="live/cat", since_ms=0, until_ms=until(user))
            for user in users
        ]
    )
    followers = await store.followers("live/cat", limit=10_000)
    await store.commit([to_page(followers, data=data, keep=keep, trims=trims)])


def until(user: str) -> int | None:
    return NOW_MS + 7 if user == "guest" else None


def to_page(
    followers: list[Follow], *, data: bytes = b'"news"', keep: int = 100, trims: bool = True
) -> AppendForFollowers:
    return AppendForFollowers(
        stream="live/cat",
        newest=followers[0].id,
        oldest=followers[-1].id,
        apart=(),
        prefix="user:",
        data=data,
        at_ms=NOW_MS,
        epoch="new",
        expected=len(followers),
        keep=keep,
        trims=trims,
    )


async def read(store: Store, name: str) -> list[Publication]:
    return await store.read(name, after=0, limit=10_000)


async def record(store: Store, name: str) -> ChannelRecord:
    loaded = await store.load(name, keys_since_ms=0, latest=0)
    assert loaded is not None
    return loaded.record


async def test_each_is_appended_to_where_it_stands(store: Store) -> None:
    await store.commit([created("user:a"), appended("user:a", 1, 2), created("user:b")])
    await store.commit([created("user:c")])
    await told(store, "a", "b")
    await told(store, "b", "a", data=b"2")
    news = Publication(offset=3, data=b'"news"', at_ms=NOW_MS)
    second = Publication(offset=4, data=b"2", at_ms=NOW_MS)
    assert (await read(store, "user:a"))[2:] == [news, second]
    assert [(it.offset, it.data) for it in await read(store, "user:b")] == [
        (1, b'"news"'),
        (2, b"2"),
    ]
    assert await read(store, "user:c") == []
    # And from there somebody else goes on.
    await store.commit([appended("user:a", 5)])
    assert (await record(store, "user:a")).last_offset == 5


async def test_what_is_not_there_is_made(store: Store) -> None:
    await store.commit([created("user:a", epoch="old")])
    await told(store, "a", ODD, "b", "guest")
    assert (await record(store, "user:a")).epoch == "old"
    assert await record(store, f"user:{ODD}") == ChannelRecord(
        name=f"user:{ODD}", epoch="new", created_ms=NOW_MS, last_offset=1
    )
    assert len(await read(store, "user:b")) == 1
    assert (await record(store, "user:guest")).expires_ms == NOW_MS + 7
    assert await store.expired(NOW_MS + 7) == ["user:guest"]
    # It is a channel like any other.
    mark = ProducerMark(producer="p", epoch=0, seq=0)
    await store.commit([appended("user:b", 2, key="k", producer=mark, stream_seq="1")])


async def test_a_page_has_its_two_ends_and_may_leave_somebody_out(store: Store) -> None:
    users = [f"u{number}" for number in range(6)]
    await told(store, *users, data=b"0")
    other = PutFollow(user="else", stream="live/dog", since_ms=0)
    await store.commit([other])
    followers = await store.followers("live/cat", limit=10)
    page = attrs.evolve(to_page(followers[1:5], data=b"1"), apart=("u2", "x"))
    # Who follows no longer when it happens is not meant; who comes back is another follower.
    await store.commit([DropFollow("u3", "live/cat"), page])
    both = [user for user in users if len(await read(store, f"user:{user}")) == 2]
    assert both == ["u1", "u4"]
    assert await store.names("user:else") == []


async def test_what_is_closed_or_deleted_is_left_so(store: Store) -> None:
    await store.commit([created("user:a"), appended("user:a", 1, closes=True)])
    await store.commit([created("user:b"), appended("user:b", 1), DeleteChannel("user:b")])
    await told(store, "a", "b")
    assert [it.offset for it in await read(store, "user:a")] == [1]
    assert (await record(store, "user:a")).last_offset == 1
    # What was deleted before begins anew.
    assert [it.data for it in await read(store, "user:b")] == [b'"news"']


async def test_what_is_too_long_is_trimmed_now_and_then(store: Store) -> None:
    for _ in range(11):
        await told(store, "a", "b", keep=10)
    assert len(await read(store, "user:a")) == 11
    await told(store, "b", "c", keep=10, trims=False)
    assert len(await read(store, "user:b")) == 12
    await store.commit([Trim("user:b", 10)])
    await told(store, "a", "b", keep=10)
    assert [it.offset for it in await read(store, "user:a")] == list(range(3, 13))
    assert (await record(store, "user:a")).first_offset == 3
    # One that was trimmed by hand is not too long.
    assert [it.offset for it in await read(store, "user:b")] == [10, 11, 12, 13]


async def test_a_page_of_thousands_is_a_page(store: Store) -> None:
    users = [f"{number}" for number in range(3_000)]
    await store.commit([created("user:7"), appended("user:7", 1)])
    await told(store, *users)
    assert len(await store.names("user:")) == 3_000
    assert [it.offset for it in await read(store, "user:7")] == [1, 2]
    assert [it.offset for it in await read(store, "user:2999")] == [1]


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
    await store.commit([created("a"), PutFollow(user="b", stream="live/cat", since_ms=0)])
    followers = await store.followers("live/cat", limit=1)
    with pytest.raises(StoreConflict):
        await store.commit(
            [
                PutEvent(happened(1), ()),
                BeginFanOut("evt_1"),
                to_page(followers),
                appended("nobody", 1),
            ]
        )
    assert await store.fan_outs() == []
    assert await store.names() == ["a"]


async def test_how_far_it_has_come_outlasts_the_process(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit([PutEvent(happened(1), ()), BeginFanOut("evt_1")])
        await told(store, "a")
        await store.commit([AdvanceFanOut("evt_1", 5)])
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        assert await store.fan_outs() == [FanOut(event=happened(1), below=5)]
        assert [it.offset for it in await read(store, "user:a")] == [1]
