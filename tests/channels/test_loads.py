"""A channel on its way into memory, and one that is written to in the store, never meet."""

import pytest
import trio
from support.memory import in_virtual_time

from relay.channels.loads import Loads
from relay.store.contract import StoreUnavailable


class Kept:
    """What the store has of a channel, which takes a second to read."""

    def __init__(self) -> None:
        self.offset = 0
        self.reads = 0

    async def read(self) -> int:
        self.reads += 1
        offset = self.offset
        await trio.sleep(1)
        return offset


@in_virtual_time
async def test_what_is_read_while_nothing_is_written_is_read_once() -> None:
    loads, kept = Loads(), Kept()
    loads.begin_writing(["b"])
    assert await loads.read("a", kept.read) == 0
    assert kept.reads == 1
    assert loads.under_way("a") is None


@in_virtual_time
async def test_who_comes_while_it_is_written_waits_for_the_commit() -> None:
    loads, kept = Loads(), Kept()
    loads.begin_writing(["a", "b"])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(write, loads, kept, 5.0)
        assert await loads.read("a", kept.read) == 1
    assert kept.reads == 1


@in_virtual_time
async def test_what_was_read_before_is_read_again() -> None:
    loads, kept = Loads(), Kept()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(begin_later, loads, kept)
        assert await loads.read("a", kept.read) == 1
    assert kept.reads == 2


@in_virtual_time
async def test_who_waits_for_a_load_is_told_also_of_one_that_fails() -> None:
    loads = Loads()

    async def fail() -> None:
        await trio.sleep(1)
        raise StoreUnavailable

    async def load() -> None:
        with pytest.raises(StoreUnavailable):
            await loads.read("a", fail)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(load)
        await trio.sleep(0.5)
        under_way = loads.under_way("a")
        assert under_way is not None
        await under_way.wait()
        assert loads.under_way("a") is None


async def write(loads: Loads, kept: Kept, seconds: float) -> None:
    """A commit that began before."""
    await trio.sleep(seconds)
    kept.offset += 1
    loads.end_writing(["a", "b"])


async def begin_later(loads: Loads, kept: Kept) -> None:
    await trio.sleep(0.5)
    loads.begin_writing(["a", "b"])
    await write(loads, kept, 0.1)
