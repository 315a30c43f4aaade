"""Many changes with one sync, in order, and nobody told before it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import trio
from support.memory import in_virtual_time
from support.stores import created
from support.storing import Counter, OneMore, Refused, SlowStore

from relay.store.contract import StoreUnavailable
from relay.store.writer import (
    BATCH_BYTES,
    BATCH_COUNT,
    ENOUGH,
    FLUSH_S,
    GATHER_S,
    QUEUE_BYTES,
    QUEUE_COUNT,
    Pending,
    Writer,
    gathering_s,
)

Submit = Callable[[Pending], Awaitable[None]]


@asynccontextmanager
async def writing(store: SlowStore) -> AsyncIterator[Writer]:
    """A writer over a store with one channel `c`, whose batches are counted from here on."""
    await store.commit([created("c")])
    store.batches.clear()
    writer = Writer(store, trio.current_time)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        await trio.testing.wait_all_tasks_blocked()
        yield writer
        nursery.cancel_scope.cancel()


async def kept(store: SlowStore) -> list[int]:
    return [it.offset for it in await store.read("c", after=0, limit=100_000)]


@in_virtual_time
async def test_whoever_is_alone_is_committed_at_once() -> None:
    store, counter = SlowStore(commit_s=0.001), Counter()
    async with writing(store) as writer:
        for _ in range(3):
            start = trio.current_time()
            one = OneMore(counter)
            writer.submit_nowait(one)
            await one.decided.wait()
            assert trio.current_time() - start == pytest.approx(0.001)
    assert store.sizes() == [1, 1, 1]


@in_virtual_time
async def test_what_comes_during_a_commit_goes_into_the_next() -> None:
    store, counter = SlowStore(commit_s=0.1), Counter()
    async with writing(store) as writer:
        writer.submit_nowait(OneMore(counter, "first"))
        await trio.sleep(0.05)
        for name in ("second", "third", "fourth"):
            writer.submit_nowait(OneMore(counter, name))
        await trio.sleep(0.2)
    assert store.sizes() == [1, 3]
    assert [name for name, _ in counter.told] == ["first", "second", "third", "fourth"]
    assert await kept(store) == [1, 2, 3, 4]


@in_virtual_time
async def test_under_load_a_quick_disk_is_given_time_to_gather() -> None:
    store, counter = SlowStore(commit_s=0.0001), Counter()
    async with writing(store) as writer:
        for _ in range(1000):
            writer.submit_nowait(OneMore(counter))
            writer.submit_nowait(OneMore(counter))
            await trio.sleep(0.0005)
    starts = [start for start, _ in store.batches]
    gaps = [after - before for before, after in pairwise(starts)]
    assert min(gaps[2:-1]) >= GATHER_S - 1e-9
    assert len(starts) <= 0.5 / GATHER_S + 3
    assert sum(store.sizes()) == 2000


@pytest.mark.parametrize(
    ("since_start_s", "last_count", "queued", "wait_s"),
    [
        (0.0, 0, 1, 0.0),
        (0.001, 1, 1, 0.0),
        (0.001, 2, 1, GATHER_S - 0.001),
        (0.001, 2, ENOUGH - 1, GATHER_S - 0.001),
        (0.001, 2, ENOUGH, 0.0),
        (GATHER_S, 900, 1, 0.0),
        (9.0, 900, 1, 0.0),
    ],
)
def test_how_long_a_commit_waits_for_more(
    since_start_s: float, last_count: int, queued: int, wait_s: float
) -> None:
    waits = gathering_s(since_start_s=since_start_s, last_count=last_count, queued=queued)
    assert waits == pytest.approx(wait_s)


@in_virtual_time
async def test_nobody_is_told_before_the_commit_has_returned() -> None:
    store, counter = SlowStore(commit_s=0.1), Counter()
    async with writing(store) as writer:
        start = trio.current_time()
        for _ in range(5):
            writer.submit_nowait(OneMore(counter))
        await trio.sleep(0.09)
        assert counter.told == []
        await trio.sleep(0.02)
    assert counter.told_at == pytest.approx([start + 0.1] * 5)


@in_virtual_time
async def test_a_commit_that_fails_fails_its_batch_and_nothing_else() -> None:
    store, counter = SlowStore(commit_s=0.1), Counter()
    async with writing(store) as writer:
        writer.submit_nowait(OneMore(counter, "a"))
        await trio.sleep(0.15)
        store.fails = lambda _: True
        writer.submit_nowait(OneMore(counter, "b"))
        writer.submit_nowait(OneMore(counter, "c"))
        await trio.sleep(0.05)
        writer.submit_nowait(OneMore(counter, "d"))
        await trio.sleep(0.06)
        store.fails = lambda _: False
        await trio.sleep(0.2)
        assert writer.statistics().failed_commits == 1
    assert counter.told == [("a", True), ("b", False), ("c", False), ("d", True)]
    assert await kept(store) == [1, 2]


@in_virtual_time
async def test_offsets_are_given_when_everything_before_is_decided() -> None:
    """An offset of what has failed is given to the next: there is never a hole."""
    store, counter = SlowStore(commit_s=0.01), Counter()
    async with writing(store) as writer:
        for number in range(200):
            store.fails = lambda _, number=number: number % 3 == 0  # type: ignore[misc]  # a lambda
            writer.submit_nowait(OneMore(counter, str(number)))
            await trio.sleep(0.003)
        await trio.sleep(1)
    assert [name for name, _ in counter.told] == [str(number) for number in range(200)]
    told_of_success = sum(success for _, success in counter.told)
    assert 0 < told_of_success < 200
    assert await kept(store) == list(range(1, told_of_success + 1))


@in_virtual_time
async def test_what_finds_that_it_must_not_be_is_told_in_its_turn() -> None:
    store, counter = SlowStore(commit_s=0.01), Counter()
    async with writing(store) as writer:
        writer.submit_nowait(OneMore(counter, "a"))
        writer.submit_nowait(Refused(counter, "b"))
        writer.submit_nowait(OneMore(counter, "c"))
        await trio.sleep(0.1)
        writer.submit_nowait(Refused(counter, "alone"))
        await trio.sleep(0.1)
    assert [name for name, _ in counter.told] == ["a", "b", "c", "alone"]
    assert store.sizes() == [2]


@in_virtual_time
async def test_a_batch_is_bounded_in_number() -> None:
    store, counter = SlowStore(commit_s=0.1), Counter()
    async with writing(store) as writer:
        for _ in range(2 * BATCH_COUNT + 1):
            writer.submit_nowait(OneMore(counter))
        await trio.sleep(1)
    assert store.sizes() == [BATCH_COUNT, BATCH_COUNT, 1]


@in_virtual_time
async def test_a_batch_is_bounded_in_bytes_but_takes_anything_alone() -> None:
    store, counter = SlowStore(commit_s=0.1), Counter()
    async with writing(store) as writer:
        for size in (BATCH_BYTES * 2, BATCH_BYTES // 2, BATCH_BYTES // 2, 1):
            writer.submit_nowait(OneMore(counter, size=size))
        await trio.sleep(1)
    assert store.sizes() == [1, 2, 1]


@pytest.mark.parametrize(
    ("size", "fits"), [(1, QUEUE_COUNT), (QUEUE_BYTES // 4, 4), (QUEUE_BYTES * 2, 1)]
)
def test_a_full_queue_would_block(size: int, fits: int) -> None:
    writer, counter = Writer(SlowStore(), trio.current_time), Counter()
    for _ in range(fits):
        writer.submit_nowait(OneMore(counter, size=size))
    assert writer.statistics().queued == fits
    assert writer.statistics().queued_bytes == fits * size
    with pytest.raises(trio.WouldBlock):
        writer.submit_nowait(OneMore(counter, size=size))


@in_virtual_time
async def test_who_waits_for_room_is_not_overtaken() -> None:
    store, counter = SlowStore(commit_s=0.1), Counter()
    async with writing(store) as writer, trio.open_nursery() as nursery:
        writer.submit_nowait(OneMore(counter, "running"))
        await trio.sleep(0.01)
        writer.submit_nowait(OneMore(counter, "full", size=QUEUE_BYTES))
        nursery.start_soon(writer.submit, OneMore(counter, "waits", size=1))
        await trio.sleep(0.01)
        with pytest.raises(trio.WouldBlock):
            writer.submit_nowait(OneMore(counter, "small", size=0))
        await trio.sleep(1)
    assert [name for name, _ in counter.told] == ["running", "full", "waits"]


@in_virtual_time
async def test_a_writer_that_is_cancelled_commits_what_is_queued() -> None:
    store, counter = SlowStore(commit_s=0.1), Counter()
    async with writing(store) as writer:
        writer.submit_nowait(OneMore(counter, "running"))
        await trio.sleep(0.01)
        writer.submit_nowait(OneMore(counter, "queued"))
    assert counter.told == [("running", True), ("queued", True)]
    assert await kept(store) == [1, 2]


@in_virtual_time
async def test_a_disk_that_never_answers_does_not_hold_up_the_end() -> None:
    store, counter = SlowStore(), Counter()
    async with writing(store) as writer:
        store.commit_s = float("inf")
        writer.submit_nowait(OneMore(counter, "running"))
        await trio.sleep(0.01)
        writer.submit_nowait(OneMore(counter, "queued"))
        start = trio.current_time()
    assert trio.current_time() - start == pytest.approx(FLUSH_S)
    assert counter.told == [("running", False), ("queued", False)]


@in_virtual_time
async def test_a_writer_that_has_ended_refuses() -> None:
    counter = Counter()
    async with writing(SlowStore()) as writer:
        pass
    with pytest.raises(StoreUnavailable):
        writer.submit_nowait(OneMore(counter))
    with pytest.raises(StoreUnavailable):
        await writer.submit(OneMore(counter))


@in_virtual_time
async def test_who_waits_for_room_at_the_end_is_told() -> None:
    store, counter = SlowStore(), Counter()
    refused = 0

    async def wait_for_room(submit: Submit) -> None:
        nonlocal refused
        with pytest.raises(StoreUnavailable):
            await submit(OneMore(counter))
        refused += 1

    async with trio.open_nursery() as nursery, writing(store) as writer:
        store.commit_s = float("inf")
        writer.submit_nowait(OneMore(counter))
        await trio.sleep(0.01)
        writer.submit_nowait(OneMore(counter, size=QUEUE_BYTES))
        submit = writer.submit
        nursery.start_soon(wait_for_room, submit)
        await trio.sleep(0.01)
    assert refused == 1


@in_virtual_time
async def test_the_writer_says_how_it_does() -> None:
    store, counter = SlowStore(commit_s=0.5), Counter()
    async with writing(store) as writer:
        writer.submit_nowait(OneMore(counter))
        await trio.sleep(1)
        store.commit_s = 0.1
        writer.submit_nowait(OneMore(counter))
        writer.submit_nowait(OneMore(counter))
        await trio.sleep(1)
        said = writer.statistics()
    assert (said.commits, said.committed, said.failed_commits) == (2, 3, 0)
    assert said.last_commit_s == pytest.approx(0.1)
    assert said.longest_commit_s == pytest.approx(0.5)
