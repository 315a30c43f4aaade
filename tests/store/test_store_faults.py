"""When a store fails, it says so, and nothing is half there."""

import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trio
from support.losing_answers import AnswerLoser, losing_answers
from support.postgres import PostgresServer
from support.stores import appended, created, said

from relay.store.contract import (
    Append,
    ProducerMark,
    PutDetails,
    Store,
    StoreConflict,
    StoreUnavailable,
)
from relay.store.open import open_store

CHAT = "chat:live/cat"
ROOM_BYTES = 100_000


@contextmanager
def full_disk(file: Path) -> Iterator[None]:
    """No file can grow much beyond what this one has now: the kernel refuses, as when it is full.

    There is room for the first changes of a batch.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + ROOM_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@asynccontextmanager
async def cut_off(postgres: PostgresServer, data: Path) -> AsyncIterator[tuple[AnswerLoser, Store]]:
    """A proxy, and a store behind it."""
    url = postgres.empty_database()
    async with losing_answers("127.0.0.1", postgres.port) as proxy:
        before = url.replace(f":{postgres.port}/", f":{proxy.port}/")
        async with aclosing(await open_store(before, data)) as store:
            await store.commit([created(CHAT)])
            yield proxy, store


async def offsets(store: Store) -> list[int]:
    return [it.offset for it in await store.read(CHAT, after=0, limit=1000)]


async def test_on_a_full_disk_nothing_of_the_batch_happens(tmp_path: Path) -> None:
    async with aclosing(await open_store("sqlite:", tmp_path)) as store:
        await store.commit([created(CHAT), appended(CHAT, 1, key="1")])
        large = Append(channel=CHAT, publications=tuple(said(n, b"x" * 99_000) for n in (2, 3)))
        mark = ProducerMark(producer="p", epoch=0, seq=0)
        with full_disk(tmp_path / "relay.db-wal"):
            with pytest.raises(StoreUnavailable) as caught:
                await store.commit(
                    [
                        created("other"),
                        large,
                        appended(CHAT, 4, key="4", producer=mark),
                        PutDetails("a", b"1"),
                    ]
                )
            assert not isinstance(caught.value, StoreConflict)
            assert await offsets(store) == [1]
        loaded = await store.load(CHAT, keys_since_ms=0, latest=0)
        assert loaded is not None
        assert (loaded.keys, loaded.producers, loaded.record.last_offset) == ((("1", 1),), (), 1)
        assert await store.names() == [CHAT]
        assert await store.details() == {}
        await store.commit([large])
    async with aclosing(await open_store("sqlite:", tmp_path)) as store:
        assert await offsets(store) == [1, 2, 3]


async def test_without_postgresql_nothing_is_committed_and_nothing_read(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with aclosing(await open_store(postgres.empty_database(), tmp_path)) as store:
        await store.commit([created(CHAT), appended(CHAT, 1)])
        assert await offsets(store) == [1]
        postgres.stop()
        try:
            with pytest.raises(StoreUnavailable):
                await store.commit([appended(CHAT, 2)])
            with pytest.raises(StoreUnavailable):
                await offsets(store)
        finally:
            postgres.start()
        assert await offsets(store) == [1]
        await store.commit([appended(CHAT, 2)])
        assert await offsets(store) == [1, 2]


async def test_a_restart_of_postgresql_between_two_commits_is_not_noticed(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with aclosing(await open_store(postgres.empty_database(), tmp_path)) as store:
        await store.commit([created(CHAT), appended(CHAT, 1)])
        postgres.crash()
        postgres.start()
        await store.commit([appended(CHAT, 2)])
        assert await offsets(store) == [1, 2]


@pytest.mark.parametrize("refuses", [0, 1])
async def test_a_commit_whose_answer_was_lost_has_happened(
    postgres: PostgresServer, tmp_path: Path, refuses: int
) -> None:
    async with cut_off(postgres, tmp_path) as (proxy, store):
        proxy.cut(b"COMMIT", is_delivered=True, refuses=refuses)
        with trio.fail_after(20):
            await store.commit([appended(CHAT, 1)])
        assert proxy.cuts == 1
        assert proxy.refuses == 0
        assert await offsets(store) == [1]
        await store.commit([appended(CHAT, 2)])


@pytest.mark.parametrize("refuses", [0, 1])
async def test_a_commit_that_did_not_arrive_has_not_happened(
    postgres: PostgresServer, tmp_path: Path, refuses: int
) -> None:
    async with cut_off(postgres, tmp_path) as (proxy, store):
        proxy.cut(b"COMMIT", is_delivered=False, refuses=refuses)
        with trio.fail_after(20), pytest.raises(StoreUnavailable):
            await store.commit([appended(CHAT, 1)])
        assert proxy.cuts == 1
        assert proxy.refuses == 0
        assert await offsets(store) == []
        await store.commit([appended(CHAT, 1)])


async def test_a_batch_that_did_not_arrive_whole_has_not_happened(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with cut_off(postgres, tmp_path) as (proxy, store):
        proxy.cut(b"publications", is_delivered=True)
        with pytest.raises(StoreUnavailable):
            await store.commit([appended(CHAT, 1)])
        assert proxy.cuts == 1
        assert await offsets(store) == []
        await store.commit([appended(CHAT, 1)])


async def test_errors_quote_nothing_of_what_people_say(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit([created("a-secret")])
        with pytest.raises(StoreConflict) as caught:
            await store.commit([created("a-secret")])
    said_to_operators = repr(caught.value) + str(caught.value)
    assert "secret" not in said_to_operators
    assert b"a-secret".hex() not in said_to_operators
    assert caught.value.__suppress_context__


async def test_a_cancelled_read_lets_go_of_its_thread_when_it_is_done(
    disk_url: str, tmp_path: Path
) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit([created(CHAT), appended(CHAT, 1)])
        for _ in range(50):
            with trio.move_on_after(0):
                await offsets(store)
        with trio.fail_after(20):
            assert await offsets(store) == [1]
        assert store.statistics().threads["store-readers"].waiting == 0
