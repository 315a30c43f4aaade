"""The store that a configuration asks for."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import trio
from sqlalchemy import Engine, make_url

from relay.config.store_url import StoreKind, store_kind, without_secrets
from relay.errors import ConfigError
from relay.store.contract import Store, StoreUnavailable
from relay.store.memory import MemoryStore
from relay.store.migrating import migrate
from relay.store.postgres import PostgresDatabase
from relay.store.sql import Database, SqlStore, translated
from relay.store.sqlite import FILE_NAME, SqliteDatabase
from relay.store.threads import READERS

KEYS_FOR_MS = 10 * 60 * 1000
"""Longer than channels ask back for an idempotency key."""


async def open_store(url: str, data: Path, *, keys_for_ms: int = KEYS_FOR_MS) -> Store:
    """Open the store at `url`, as `store.url` has it, and bring its tables up to date.

    Idempotency keys older than `keys_for_ms` may be forgotten.

    Raises:
        ConfigError: it cannot be used or reached, or another Relay has it.
    """
    kind = store_kind(url)
    if kind is StoreKind.MEMORY:
        return MemoryStore()
    database = await trio.to_thread.run_sync(partial(_open, kind, url, data))
    return SqlStore(database, keys_for_ms)


def _open(kind: StoreKind, url: str, data: Path) -> Database:
    """Runs in a thread; nobody else uses the database yet."""
    database: Database
    if kind is StoreKind.SQLITE:
        database = SqliteDatabase(data / FILE_NAME)
    else:
        database = PostgresDatabase(make_url(url))
    try:
        with translated():
            migrate(database.writer)
            _connect_all(database.readers)
    except StoreUnavailable as error:
        database.close()
        where = without_secrets(url) or FILE_NAME
        raise ConfigError(f"the store at {where} cannot be used: {error}") from None
    except BaseException:
        database.close()
        raise
    return database


def _connect_all(readers: Engine) -> None:
    """Now: how many descriptors a store takes is known before anybody is let in."""
    with ExitStack() as stack:
        for _ in range(READERS):
            stack.enter_context(readers.connect())
