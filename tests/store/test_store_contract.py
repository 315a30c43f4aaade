"""What every store promises, whichever engine keeps it."""

import pytest
import trio
from support.stores import EVERYTHING, NOW_MS, appended, created, said

from relay.store.contract import (
    Append,
    ChannelRecord,
    CreateChannel,
    DeleteChannel,
    Loaded,
    ProducerMark,
    PutDetails,
    Store,
    StoreConflict,
    TouchChannel,
    Trim,
)

CHAT = "chat:live/cat"


async def load(store: Store, channel: str = CHAT, *, latest: int = 100) -> Loaded:
    loaded = await store.load(channel, keys_since_ms=0, latest=latest)
    assert loaded is not None
    return loaded


async def offsets(store: Store, channel: str = CHAT) -> list[int]:
    return [it.offset for it in await store.read(channel, after=0, limit=1_000_000)]


async def test_a_channel_that_is_not_there_is_not_there(store: Store) -> None:
    assert await store.load(CHAT, keys_since_ms=0, latest=1) is None
    assert await store.read(CHAT, after=0, limit=10) == []
    assert await store.names() == []


async def test_a_channel_comes_back_as_it_was_created(store: Store) -> None:
    record = ChannelRecord(
        name="stream:a/b c\u00e4%\0",
        epoch="e-1",
        content_type="application/octet-stream",
        created_ms=NOW_MS,
        first_offset=5,
        last_offset=4,
        is_closed=True,
        ttl_s=60,
        expires_ms=NOW_MS + 1,
    )
    await store.commit([CreateChannel(record)])
    loaded = await load(store, record.name)
    assert loaded == Loaded(record=record, producers=(), stream_seq="", keys=(), latest=())


async def test_every_field_of_a_publication_comes_back(store: Store) -> None:
    await store.commit([created(CHAT), Append(channel=CHAT, publications=EVERYTHING)])
    assert tuple(await store.read(CHAT, after=0, limit=100)) == EVERYTHING
    assert (await load(store)).latest == EVERYTHING


async def test_an_append_goes_on_where_the_last_ended(store: Store) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1, 2)])
    await store.commit([appended(CHAT, 3), appended(CHAT, 4, 5)])
    assert await offsets(store) == [1, 2, 3, 4, 5]
    assert (await load(store)).record.last_offset == 5


@pytest.mark.parametrize("offset", [1, 2, 4])
async def test_an_append_that_does_not_follow_is_refused_with_its_batch(
    store: Store, offset: int
) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1, 2)])
    with pytest.raises(StoreConflict):
        await store.commit([created("other"), PutDetails("a", b"{}"), appended(CHAT, offset)])
    assert await offsets(store) == [1, 2]
    assert await store.names() == [CHAT]
    assert await store.details() == {}
    await store.commit([appended(CHAT, 3)])


@pytest.mark.parametrize("publications", [(3, 5), (4, 3), (3, 3)])
async def test_a_hole_within_an_append_is_refused(
    store: Store, publications: tuple[int, ...]
) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1, 2)])
    with pytest.raises(StoreConflict):
        await store.commit([appended(CHAT, *publications)])
    assert (await load(store)).record.last_offset == 2


@pytest.mark.parametrize(
    "change",
    [
        appended(CHAT, 1),
        appended(CHAT, closes=True),
        appended(CHAT, 1, key="k"),
        appended(CHAT, producer=ProducerMark(producer="p", epoch=0, seq=0)),
    ],
)
async def test_an_append_to_no_channel_is_refused_with_its_batch(
    store: Store, change: Append
) -> None:
    with pytest.raises(StoreConflict):
        await store.commit([created("other"), change])
    assert await store.names() == []


async def test_a_channel_is_created_once(store: Store) -> None:
    await store.commit([created(CHAT, epoch="first")])
    with pytest.raises(StoreConflict):
        await store.commit([PutDetails("a", b"{}"), created(CHAT, epoch="second")])
    assert (await load(store)).record.epoch == "first"
    assert await store.details() == {}


async def test_changes_of_a_channel_that_is_not_there_change_nothing(store: Store) -> None:
    await store.commit([Trim(CHAT, 3), TouchChannel(CHAT, 1), DeleteChannel(CHAT)])
    await store.commit([Trim(CHAT, 3), TouchChannel(CHAT, 1), created(CHAT)])
    assert (await load(store)).record == ChannelRecord(name=CHAT, epoch="first", created_ms=NOW_MS)


async def test_an_empty_batch_is_no_batch(store: Store) -> None:
    await store.commit([])


@pytest.mark.parametrize(
    ("after", "limit", "newest_first", "found"),
    [
        (0, 3, False, [1, 2, 3]),
        (2, 2, False, [3, 4]),
        (5, 2, False, []),
        (9, 2, False, []),
        (0, 0, False, []),
        (0, 3, True, [5, 4, 3]),
        (4, 2, True, [3, 2]),
        (2, 9, True, [1]),
        (1, 9, True, []),
        (99, 1, True, [5]),
    ],
)
async def test_a_page_of_publications(
    store: Store, after: int, limit: int, newest_first: bool, found: list[int]
) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1, 2, 3, 4, 5)])
    page = await store.read(CHAT, after=after, limit=limit, newest_first=newest_first)
    assert [it.offset for it in page] == found


@pytest.mark.parametrize(("latest", "found"), [(0, ()), (2, (4, 5)), (9, (1, 2, 3, 4, 5))])
async def test_a_channel_is_loaded_with_its_newest(
    store: Store, latest: int, found: tuple[int, ...]
) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1, 2, 3, 4, 5)])
    assert tuple(it.offset for it in (await load(store, latest=latest)).latest) == found


async def test_channels_do_not_mix(store: Store) -> None:
    await store.commit([created("a"), created("b"), appended("a", 1), appended("b", 1, 2)])
    assert await offsets(store, "a") == [1]
    assert await offsets(store, "b") == [1, 2]


async def test_what_is_trimmed_is_gone_and_offsets_go_on(store: Store) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1, 2, 3, 4)])
    await store.commit([Trim(CHAT, 3)])
    assert await offsets(store) == [3, 4]
    assert [it.offset for it in (await load(store)).latest] == [3, 4]
    await store.commit([appended(CHAT, 5), Trim(CHAT, 6)])
    assert await offsets(store) == []
    record = (await load(store)).record
    assert (record.first_offset, record.last_offset) == (6, 5)
    await store.commit([appended(CHAT, 6)])
    assert await offsets(store) == [6]


async def test_a_trim_never_goes_back(store: Store) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1, 2, 3, 4), Trim(CHAT, 3), Trim(CHAT, 2)])
    await store.commit([Trim(CHAT, 1)])
    assert (await load(store)).record.first_offset == 3


async def test_a_large_trim_is_complete_at_once(store: Store) -> None:
    publications = tuple(said(offset) for offset in range(1, 3001))
    await store.commit([created(CHAT), Append(channel=CHAT, publications=publications)])
    await store.commit([Trim(CHAT, 2999)])
    assert await offsets(store) == [2999, 3000]


async def test_a_channel_that_is_deleted_leaves_nothing_behind(store: Store) -> None:
    mark = ProducerMark(producer="p", epoch=1, seq=1)
    change = appended(CHAT, 1, 2, key="k", producer=mark, stream_seq="7", closes=True)
    await store.commit([created(CHAT), change, created("kept"), appended("kept", 1)])
    await store.commit([DeleteChannel(CHAT)])
    assert await store.load(CHAT, keys_since_ms=0, latest=1) is None
    await store.commit([created(CHAT, epoch="second")])
    record = ChannelRecord(name=CHAT, epoch="second", created_ms=NOW_MS)
    assert await load(store) == Loaded(
        record=record, producers=(), stream_seq="", keys=(), latest=()
    )
    assert await offsets(store, "kept") == [1]


async def test_within_a_batch_a_channel_can_go_and_come(store: Store) -> None:
    await store.commit([created(CHAT, epoch="1"), appended(CHAT, 1, 2, 3)])
    await store.commit(
        [
            appended(CHAT, 4),
            DeleteChannel(CHAT),
            created(CHAT, epoch="2"),
            appended(CHAT, 1, 2),
            DeleteChannel(CHAT),
            DeleteChannel("never"),
            created(CHAT, epoch="3"),
            appended(CHAT, 1),
        ]
    )
    assert (await load(store)).record.epoch == "3"
    assert await offsets(store) == [1]


async def test_a_channel_that_is_closed_stays_closed(store: Store) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1, closes=True)])
    await store.commit([appended(CHAT, 2)])
    assert (await load(store)).record.is_closed
    await store.commit([created("b"), appended("b", closes=True), appended("b", 1)])
    assert (await load(store, "b")).record.is_closed


async def test_a_writers_sequence_stays_until_there_is_another(store: Store) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1, stream_seq="7"), appended(CHAT, 2)])
    assert (await load(store)).stream_seq == "7"
    await store.commit([appended(CHAT, 3), appended(CHAT, stream_seq="8\0\ud800")])
    assert (await load(store)).stream_seq == "8\0\ud800"


async def test_producers_are_remembered_as_far_as_they_came(store: Store) -> None:
    def by(producer: str, epoch: int, seq: int) -> ProducerMark:
        return ProducerMark(producer=producer, epoch=epoch, seq=seq)

    await store.commit([created(CHAT), appended(CHAT, 1, producer=by("b", 0, 0))])
    await store.commit(
        [
            appended(CHAT, 2, producer=by("b", 0, 1)),
            appended(CHAT, producer=by("b", 1, 0)),
            appended(CHAT, 3, producer=by("a\0", 2**53, 2**53)),
        ]
    )
    assert (await load(store)).producers == (by("a\0", 2**53, 2**53), by("b", 1, 0))


async def test_a_key_stands_for_the_last_publication_of_its_append(store: Store) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1, 2, key="k"), appended(CHAT, 3, key="\0")])
    assert (await load(store)).keys == (("k", 2), ("\0", 3))


async def test_a_key_is_found_for_as_long_as_the_caller_asks_back(store: Store) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1, key="old"), appended(CHAT, 2, key="new")])
    loaded = await store.load(CHAT, keys_since_ms=NOW_MS + 2, latest=0)
    assert loaded is not None
    assert loaded.keys == (("new", 2),)


async def test_a_key_that_comes_again_stands_for_its_newest_append(store: Store) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1, key="k")])
    await store.commit([appended(CHAT, 2, key="k"), appended(CHAT, 3, key="k")])
    assert (await load(store)).keys == (("k", 3),)


async def test_channels_whose_time_is_over_are_found(store: Store) -> None:
    await store.commit(
        [
            created("late", expires_ms=30),
            created("early", expires_ms=10),
            created("never"),
            created("moved", expires_ms=1),
            TouchChannel("moved", 20),
            created("saved", expires_ms=1),
        ]
    )
    await store.commit([TouchChannel("saved", None)])
    assert await store.expired(9) == []
    assert await store.expired(10) == ["early"]
    assert await store.expired(30) == ["early", "moved", "late"]


async def test_names_by_prefix_are_sorted_as_text_is(store: Store) -> None:
    names = ["a", "a:", "a:1", "a:\u00e4", "a:\U0001f408", "a:\uffff", "a;", "A:1", "b", "a:\0"]
    await store.commit([created(name) for name in names])
    assert await store.names() == sorted(names)
    assert await store.names("a:") == sorted(name for name in names if name.startswith("a:"))
    assert await store.names("a:\U0001f408") == ["a:\U0001f408"]
    assert await store.names("c") == []


async def test_details_are_replaced_whole(store: Store) -> None:
    await store.commit([PutDetails("live/cat", b"1"), PutDetails("live/dog", b"\0")])
    await store.commit([PutDetails("live/cat", b"2"), PutDetails("live/cat", b"3")])
    assert await store.details() == {"live/cat": b"3", "live/dog": b"\0"}


async def test_a_number_of_more_than_64_bits_spoils_its_batch_and_nothing_else(
    store: Store, url: str
) -> None:
    if url == "memory:":
        return  # it has no such bound
    await store.commit([created(CHAT)])
    mark = ProducerMark(producer="p", epoch=0, seq=2**64)
    with pytest.raises(StoreConflict):
        await store.commit([appended(CHAT, 1, producer=mark)])
    await store.commit([appended(CHAT, 1)])


async def test_many_read_beside_the_writer(store: Store) -> None:
    await store.commit([created(CHAT), appended(CHAT, 1)])

    async def follow() -> None:
        seen = 1
        while seen < 50:
            found = await offsets(store)
            assert found == list(range(1, len(found) + 1))
            assert len(found) >= seen
            seen = len(found)

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(follow)
        for offset in range(2, 51):
            await store.commit([appended(CHAT, offset)])
