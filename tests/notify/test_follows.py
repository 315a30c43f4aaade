"""Changes of what users follow: one at a time for each user, counted, and told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
from support.memory import in_virtual_time, ports
from support.storing import SlowStore

from relay.notify.follows import OUTLIVED_AT_ONCE, Changed, Follows, TooManyFollows
from relay.store.contract import StoreUnavailable
from relay.store.follows import PutFollow
from relay.store.writer import Writer

CAT, DOG = "live/cat", "live/dog"


@attrs.define(eq=False)
class Desk:
    """Follows over a store whose disk takes a second."""

    store: SlowStore
    follows: Follows
    told: list[Changed] = attrs.field(factory=list)

    async def put(self, user: str, stream: str = CAT) -> bool:
        """Whether it is new."""
        return (await self.follows.follow(user, stream, until_ms=None))[1]

    async def followed(self, user: str) -> list[str]:
        return [it.stream for it in await self.store.follows(user, limit=99)]


@asynccontextmanager
async def desk(store: SlowStore | None = None, *, most: int = 3) -> AsyncIterator[Desk]:
    store = SlowStore(commit_s=1.0) if store is None else store
    writer = Writer(store, trio.current_time)
    here = Desk(store, Follows(store, writer, ports(1), most))
    here.follows.on_change = here.told.append
    await here.follows.load()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        yield here
        nursery.cancel_scope.cancel()


@in_virtual_time
async def test_a_follow_is_kept_counted_and_told_once() -> None:
    async with desk() as here:
        assert await here.put("ann")
        assert not await here.put("ann")
        assert await here.put("bob")
        follows = here.follows
        assert (follows.count(CAT), follows.count(DOG), follows.total) == (2, 0, 2)
        for _ in range(2):
            await follows.unfollow("ann", CAT)
        assert follows.count(CAT) == 1
    assert here.told == [
        Changed("ann", CAT, follows=True),
        Changed("bob", CAT, follows=True),
        Changed("ann", CAT, follows=False),
    ]
    async with desk(here.store) as here:
        assert here.follows.count(CAT) == 1


@in_virtual_time
async def test_a_hundred_at_the_same_time_are_one() -> None:
    async with desk() as here:
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(here.put, "ann")
        assert here.follows.count(CAT) == 1
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(here.follows.unfollow, "ann", CAT)
        assert here.follows.count(CAT) == 0
    assert here.told == [Changed("ann", CAT, follows=True), Changed("ann", CAT, follows=False)]


@in_virtual_time
async def test_one_user_follows_so_many_and_others_are_not_held_up() -> None:
    async with desk(most=2) as here:
        results: list[bool] = []

        async def put(stream: str) -> None:
            try:
                results.append(await here.put("ann", stream))
            except TooManyFollows:
                results.append(False)

        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(put, f"live/{number}")
        assert sorted(results) == [False, False, False, True, True]
        assert len(await here.followed("ann")) == 2
        # What is followed already is no more than before.
        assert not await here.put("ann", (await here.followed("ann"))[0])
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for user in "bcdef":
                nursery.start_soon(here.put, user)
        assert trio.current_time() - began < 3
        assert here.follows.count(CAT) == 5


@in_virtual_time
async def test_a_change_outlasts_whoever_asked_and_the_next_waits_for_it() -> None:
    async with desk() as here:
        with trio.move_on_after(0.5) as patience:
            await here.put("ann")
        assert patience.cancelled_caught
        assert here.told == []
        # Nobody looks before it is known what has become of that.
        assert not await here.put("ann")
        assert here.follows.count(CAT) == 1
        assert here.told == [Changed("ann", CAT, follows=True)]


@in_virtual_time
async def test_what_the_store_does_not_take_has_not_happened() -> None:
    store = SlowStore(fails=lambda batch: bool(batch))
    async with desk(store) as here:
        with pytest.raises(StoreUnavailable):
            await here.put("ann")
        assert (here.follows.count(CAT), here.told) == (0, [])
        store.fails = lambda _: False
        assert await here.put("ann")
        store.fails = lambda _: True
        with pytest.raises(StoreUnavailable):
            await here.follows.unfollow("ann", CAT)
        assert here.follows.count(CAT) == 1


@in_virtual_time
async def test_while_somebody_looks_nothing_changes() -> None:
    async with desk() as here:
        await here.put("ann")
        async with trio.open_nursery() as nursery, here.follows.steady("ann") as streams:
            nursery.start_soon(here.put, "ann", DOG)
            await trio.sleep(10)
            assert set(streams) == {CAT}
            assert len(here.told) == 1
        assert set(await here.followed("ann")) == {CAT, DOG}


@in_virtual_time
async def test_who_cannot_be_any_more_follows_nothing() -> None:
    store, many = SlowStore(), OUTLIVED_AT_ONCE + 1
    until_ms = round(ports(1).wall() * 1000) + 5000
    await store.commit(
        [
            PutFollow(user=f"guest_{number}", stream=CAT, since_ms=0, until_ms=until_ms)
            for number in range(many)
        ]
    )
    async with desk(store) as here:
        await here.put("ann")
        await here.follows.drop_outlived()
        assert here.follows.count(CAT) == many + 1
        await trio.sleep(10)
        await here.follows.drop_outlived()
        assert here.follows.count(CAT) == 1
        assert here.told[-1] == Changed(here.told[-1].user, CAT, follows=False)
