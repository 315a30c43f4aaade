"""What every store promises of follows: each once, in an order that lasts, from both sides."""

from contextlib import aclosing
from pathlib import Path

import attrs
import pytest
from support.stores import NOW_MS, appended

from relay.store.contract import Store, StoreConflict
from relay.store.follows import DropFollow, Follow, PutFollow
from relay.store.open import open_store

CAT = "live/cat"
ODD = "nul\0, lone \ud800, \u00e4"


def put(
    user: str, stream: str = CAT, *, since_ms: int = NOW_MS, until_ms: int | None = None
) -> PutFollow:
    return PutFollow(user=user, stream=stream, since_ms=since_ms, until_ms=until_ms)


async def followers(store: Store, stream: str = CAT) -> list[str]:
    return [it.user for it in await store.followers(stream, limit=100)]


async def test_who_follows_what_is_found_from_both_sides_newest_first(store: Store) -> None:
    await store.commit([put("ann"), put("bob"), put("ann", "live/dog")])
    await store.commit([put("cid")])
    assert await followers(store) == ["cid", "bob", "ann"]
    assert await followers(store, "live/dog") == ["ann"]
    assert await followers(store, "live/none") == []
    assert [it.stream for it in await store.follows("ann", limit=9)] == ["live/dog", CAT]
    assert await store.follows("nobody", limit=9) == []


async def test_a_follow_comes_back_as_it_was_put(store: Store) -> None:
    await store.commit([put(ODD, ODD, since_ms=2**53, until_ms=2**53 + 1), put("ann")])
    odd = await store.follow(ODD, ODD)
    assert odd is not None
    assert odd == Follow(id=odd.id, user=ODD, stream=ODD, since_ms=2**53, until_ms=2**53 + 1)
    assert await store.followers(ODD, limit=9) == await store.follows(ODD, limit=9) == [odd]
    ann = await store.follow("ann", CAT)
    assert ann is not None
    assert (ann.since_ms, ann.until_ms) == (NOW_MS, None)
    assert await store.follow("ann", ODD) is None


async def test_to_follow_twice_is_to_follow_as_before(store: Store) -> None:
    await store.commit([put("ann"), put("bob"), put("ann", since_ms=NOW_MS + 1)])
    first = await store.follow("ann", CAT)
    await store.commit([put("ann", since_ms=NOW_MS + 2, until_ms=NOW_MS + 3)])
    assert await store.follow("ann", CAT) == first
    assert first is not None
    assert first.since_ms == NOW_MS
    assert await followers(store) == ["bob", "ann"]


async def test_who_comes_back_is_the_newest(store: Store) -> None:
    await store.commit([put("ann"), put("bob")])
    await store.commit([DropFollow("ann", CAT), put("ann", since_ms=NOW_MS - 5)])
    assert await followers(store) == ["ann", "bob"]


async def test_to_follow_no_longer_leaves_the_rest(store: Store) -> None:
    await store.commit([put("ann"), put("bob"), put("ann", "live/dog")])
    await store.commit([DropFollow("ann", CAT), DropFollow("ann", CAT), DropFollow("x", CAT)])
    assert await followers(store) == ["bob"]
    assert [it.stream for it in await store.follows("ann", limit=9)] == ["live/dog"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_pages_lead_through_all_of_them_whatever_happens_meanwhile(
    store: Store, size: int
) -> None:
    await store.commit([put(f"u{number}") for number in range(7)])
    met: list[str] = []
    page = await store.followers(CAT, limit=size)
    while page:
        met += [it.user for it in page]
        # Who has been met goes and comes, and somebody is new: neither is met now.
        await store.commit([DropFollow(met[0], CAT), put(met[0]), put(f"late{len(met)}")])
        page = await store.followers(CAT, below=page[-1].id, limit=size)
    assert met == [f"u{number}" for number in reversed(range(7))]


async def test_listeners_are_followers_in_few_words(store: Store) -> None:
    await store.commit([put(ODD), put("ann", until_ms=NOW_MS), put("bob"), put("cid", ODD)])
    for below in (0, (await store.followers(CAT, limit=1))[0].id):
        followers = await store.followers(CAT, below=below, limit=2)
        brief = await store.listeners(CAT, below=below, limit=2)
        assert brief == [(it.id, it.user, it.until_ms) for it in followers]
        assert len(brief) == 2


async def test_pages_of_what_a_user_follows(store: Store) -> None:
    await store.commit([put("ann", f"live/{number}") for number in range(5)])
    page = await store.follows("ann", limit=2)
    assert [it.stream for it in page] == ["live/4", "live/3"]
    page = await store.follows("ann", below=page[-1].id, limit=9)
    assert [it.stream for it in page] == ["live/2", "live/1", "live/0"]


async def test_follows_are_counted_on_both_sides(store: Store) -> None:
    assert await store.follower_counts() == {}
    await store.commit([put("ann"), put("bob"), put("ann", ODD), put("cid", "live/dog")])
    await store.commit([DropFollow("cid", "live/dog")])
    assert await store.follower_counts() == {CAT: 2, ODD: 1}
    assert await store.follow_count("ann") == 2
    assert await store.follow_count("cid") == 0


async def test_follows_of_users_who_are_no_more_are_found(store: Store) -> None:
    await store.commit(
        [
            put("late", until_ms=30),
            put("early", until_ms=10),
            put("never"),
            put("gone", until_ms=10),
            DropFollow("gone", CAT),
        ]
    )
    assert await store.outlived_follows(9, limit=9) == []
    assert [it.user for it in await store.outlived_follows(10, limit=9)] == ["early"]
    assert [it.user for it in await store.outlived_follows(30, limit=9)] == ["early", "late"]
    assert [it.user for it in await store.outlived_follows(30, limit=1)] == ["early"]


async def test_a_batch_that_fails_lets_nobody_follow(store: Store) -> None:
    await store.commit([put("bob")])
    with pytest.raises(StoreConflict):
        await store.commit([put("ann"), DropFollow("bob", CAT), appended("nobody", 1)])
    assert await followers(store) == ["bob"]


async def test_follows_outlast_the_process(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit([put("ann"), put("bob"), DropFollow("bob", CAT)])
        (ann,) = await store.followers(CAT, limit=9)
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        assert await store.followers(CAT, limit=9) == [ann]
        # Numbers are never used twice: a reader stands on one.
        await store.commit([put("cid")])
        cid = await store.follow("cid", CAT)
        assert cid is not None
        assert cid.id > ann.id + 1
        assert attrs.evolve(cid, id=0).until_ms is None
