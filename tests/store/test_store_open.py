"""How a store is opened: its files, its tables, its settings, and who may have it."""

import stat
from contextlib import aclosing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, MetaData, NullPool, create_engine, make_url, text
from support.postgres import PASSWORD, PostgresServer
from support.stores import created

from relay.errors import ConfigError
from relay.store.contract import StoreUnavailable
from relay.store.open import open_store
from relay.store.sql import SqlStore
from relay.store.tables import metadata
from relay.store.words_tables import message_words


def asked(store: object, question: str) -> object:
    """What the connection that writes answers."""
    assert isinstance(store, SqlStore)
    with store._database.writer.connect() as connection:
        return connection.execute(text(question)).scalar()


def raw(url: str, data: Path) -> Connection:
    """A connection of nobody in particular."""
    target = URL.create("sqlite", database=str(data / "relay.db"))
    if url != "sqlite:":
        target = make_url(url).set(drivername="postgresql+psycopg")
    return create_engine(target, poolclass=NullPool).connect()


async def test_a_store_that_is_opened_again_is_as_it_was(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        await store.commit([created("a")])
    for _ in range(2):
        async with aclosing(await open_store(disk_url, tmp_path)) as store:
            assert await store.names() == ["a"]


async def test_a_store_in_memory_is_new_each_time(tmp_path: Path) -> None:
    async with aclosing(await open_store("memory:", tmp_path)) as store:
        await store.commit([created("a")])
    async with aclosing(await open_store("memory:", tmp_path)) as store:
        assert await store.names() == []
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240  # a test may look


async def test_the_migrations_lead_to_the_tables(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)):
        pass
    with raw(disk_url, tmp_path) as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_compared})
        differences = compare_metadata(context, metadata)
    assert differences == []


async def test_the_index_of_words_is_a_table_where_it_is_one(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.empty_database()
    async with aclosing(await open_store(url, tmp_path)):
        pass
    both = MetaData()
    for table in (*metadata.tables.values(), message_words):
        table.to_metadata(both)
    with raw(url, tmp_path) as connection:
        differences = compare_metadata(MigrationContext.configure(connection), both)
    assert differences == []


def is_compared(name: str | None, _type: str, _parents: object) -> bool:
    """Whether it is the same in both engines, as the index of words is not."""
    return name is None or not name.startswith("message_words")


async def test_a_store_of_a_newer_version_is_left_alone(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)):
        pass
    with raw(disk_url, tmp_path) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    for _ in range(2):  # and is let go of
        with pytest.raises(ConfigError, match="newer version"):
            await open_store(disk_url, tmp_path)


async def test_the_files_of_sqlite_are_their_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with aclosing(await open_store("", data)) as store:
        await store.commit([created("a")])
        modes = {it.name: stat.S_IMODE(it.stat().st_mode) for it in data.iterdir()}
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
    names = ("relay.db", "relay.db-shm", "relay.db-wal", "relay.db.lock")
    assert modes == dict.fromkeys(names, 0o600)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
async def test_sqlite_is_set_to_survive_a_power_cut(
    tmp_path: Path, setting: str, value: object
) -> None:
    async with aclosing(await open_store("", tmp_path)) as store:
        assert asked(store, f"PRAGMA {setting}") == value


async def test_postgresql_is_asked_to_survive_a_power_cut(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.make_database()
    with raw(url, tmp_path) as connection:
        name = make_url(url).database
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        connection.commit()
    async with aclosing(await open_store(url, tmp_path)) as store:
        assert asked(store, "SHOW synchronous_commit") == "on"


async def test_one_relay_has_a_store(
    disk_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.store.postgres.LOCK_S", 1)
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        with pytest.raises(ConfigError, match="another Relay"):
            await open_store(disk_url, tmp_path)
        await store.commit([created("a")])
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        assert await store.names() == ["a"]


async def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file"):
        await open_store("", tmp_path / "file" / "data")


async def test_a_file_that_is_no_database_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "relay.db").write_bytes(b"this is a diary\n" * 100)
    with pytest.raises(ConfigError, match="not a database"):
        await open_store("", tmp_path)


async def test_a_postgresql_that_refuses_is_reported_without_the_password(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    wrong = postgres.url("no_such_database").replace(PASSWORD, "wrong-" + PASSWORD)
    with pytest.raises(ConfigError, match="authentication") as caught:
        await open_store(wrong, tmp_path)
    assert PASSWORD not in repr(caught.value)


async def test_the_threads_of_a_store_are_counted(disk_url: str, tmp_path: Path) -> None:
    async with aclosing(await open_store(disk_url, tmp_path)) as store:
        use = store.statistics().threads
    assert {name: (it.total, it.busy, it.waiting) for name, it in use.items()} == {
        "store-writer": (1, 0, 0),
        "store-readers": (4, 0, 0),
    }


async def test_a_store_that_is_closed_does_nothing_more(disk_url: str, tmp_path: Path) -> None:
    store = await open_store(disk_url, tmp_path)
    await store.aclose()
    await store.aclose()
    with pytest.raises(StoreUnavailable):
        await store.commit([created("a")])
    with pytest.raises(StoreUnavailable):
        await store.names()
