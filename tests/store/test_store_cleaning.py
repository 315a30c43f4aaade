"""What nobody can see any more goes little by little, and holds nobody up."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.schema import Table
from support.stores import NOW_MS, appended, created, said

from relay.publication import Publication
from relay.store.contract import Append, DeleteChannel, PutDetails, Trim
from relay.store.open import open_store
from relay.store.sql import SqlStore
from relay.store.statements import SWEPT_ROWS
from relay.store.tables import graves, keys, publications

LARGE = 2 * SWEPT_ROWS + 500
KEYS_FOR_MS = 60_000
SOMETHING = PutDetails("live/cat", b"{}")


@pytest.fixture
async def sql(disk_url: str, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with aclosing(await opened(disk_url, tmp_path)) as store:
        large = tuple(said(offset) for offset in range(1, LARGE + 1))
        await store.commit([created("large"), Append(channel="large", publications=large)])
        await store.commit([created("small"), appended("small", 1)])
        yield store


async def opened(url: str, data: Path) -> SqlStore:
    store = await open_store(url, data, keys_for_ms=KEYS_FOR_MS)
    assert isinstance(store, SqlStore)
    return store


async def count(store: SqlStore, table: Table) -> int:
    """Rows that are really there."""
    return await store.ask(
        lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one()
    )


async def test_a_large_channel_is_dug_out_by_the_commits_that_follow(sql: SqlStore) -> None:
    await sql.commit([DeleteChannel("large")])
    assert await sql.names() == ["small"]
    counts = [await count(sql, publications)]
    for _ in range(3):
        await sql.commit([SOMETHING])
        counts.append(await count(sql, publications))
    assert counts == [1 + LARGE - SWEPT_ROWS, 1 + LARGE - 2 * SWEPT_ROWS, 1, 1]
    assert await count(sql, graves) == 0


async def test_a_channel_of_the_same_name_is_not_dug_out(sql: SqlStore) -> None:
    await sql.commit([DeleteChannel("large"), created("large"), appended("large", 1, 2)])
    for _ in range(4):
        await sql.commit([SOMETHING])
    assert await count(sql, publications) == 3
    assert len(await sql.read("large", after=0, limit=9)) == 2


async def test_one_grave_after_the_other(sql: SqlStore) -> None:
    await sql.commit([DeleteChannel("small"), DeleteChannel("large")])
    for _ in range(5):
        await sql.commit([SOMETHING])
    assert await count(sql, publications) == 0
    assert await count(sql, graves) == 0


async def test_graves_are_found_after_a_restart(
    sql: SqlStore, disk_url: str, tmp_path: Path
) -> None:
    await sql.commit([DeleteChannel("large")])
    await sql.aclose()
    async with aclosing(await opened(disk_url, tmp_path)) as store:
        assert await count(store, publications) > 1
        for _ in range(3):
            await store.commit([SOMETHING])
        assert await count(store, publications) == 1


async def test_a_trim_takes_a_bounded_number_of_rows(sql: SqlStore) -> None:
    await sql.commit([Trim("large", LARGE)])
    assert len(await sql.read("large", after=0, limit=LARGE)) == 1
    assert await count(sql, publications) == 1 + LARGE - SWEPT_ROWS
    for _ in range(2):
        await sql.commit([Trim("large", LARGE)])
    assert await count(sql, publications) == 2


async def test_old_keys_go_when_new_ones_come(sql: SqlStore) -> None:
    def keyed(offset: int, at_ms: int) -> Append:
        publication = Publication(offset=offset, data=b"1", at_ms=at_ms)
        return Append(channel="small", publications=(publication,), key=str(offset))

    await sql.commit([keyed(offset, NOW_MS + offset) for offset in range(2, 12)])
    await sql.commit([keyed(12, NOW_MS + KEYS_FOR_MS)])
    assert await count(sql, keys) == 11
    await sql.commit([keyed(13, NOW_MS + KEYS_FOR_MS + 8)])
    loaded = await sql.load("small", keys_since_ms=0, latest=0)
    assert loaded is not None
    # 2 to 7 are too old now, and two of them are gone.
    assert [offset for _, offset in loaded.keys] == list(range(4, 14))
    for offset in range(14, 20):
        await sql.commit([keyed(offset, NOW_MS + KEYS_FOR_MS + 8)])
    assert await count(sql, keys) == 19 - 7
