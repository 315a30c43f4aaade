"""SQLite: one file in the data directory, in this process.

WAL with `synchronous=FULL`: a commit appends to the log and returns when the log is on the disk
(SQLite, "Write-Ahead Logging", 3.2).  `NORMAL` would lose the last commits in a power cut.  One
connection writes; others read beside it, each in a snapshot.

A lock on a file beside it keeps a second Relay away: both would give out the same offsets.  It is
not on the database itself, where SQLite's own locks are, which would go when any descriptor closes.
"""

import fcntl
import os
from pathlib import Path
from typing import Any

import attrs
from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event

from relay.errors import ConfigError
from relay.store.threads import READERS

FILE_NAME = "relay.db"
BUSY_S = 5.0
"""How long a statement waits for another process, such as a backup."""
LOG_BYTES = 64 * 1024 * 1024
"""What the log's file keeps on the disk after a burst."""


@attrs.define(eq=False)
class SqliteDatabase:
    """See the head of this module; `store.sql.Database`."""

    _path: Path
    writer: Engine = attrs.field(init=False)
    readers: Engine = attrs.field(init=False)
    _lock: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Open, or make, the file.

        Raises:
            ConfigError: it cannot be made, or another Relay has it.
        """
        try:
            self._lock = _make(self._path)
        except OSError as error:
            raise ConfigError(f"{error.filename or self._path}: {error.strerror}") from None
        self.writer = _engine(self._path, 1, "BEGIN IMMEDIATE")
        self.readers = _engine(self._path, READERS, "BEGIN")

    def mark(self, _connection: Connection) -> str | None:
        """Nothing: a commit that fails here has not happened."""
        return None

    def outcome(self, _mark: str) -> bool | None:
        return False

    def close(self) -> None:
        self.readers.dispose()
        self.writer.dispose()
        os.close(self._lock)


def _engine(path: Path, connections: int, begin: str) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        # The driver must not begin transactions by itself: it would, for some statements only.
        connect_args={"timeout": BUSY_S, "check_same_thread": False, "isolation_level": None},
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for setting in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"journal_size_limit = {LOG_BYTES}",
    ):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _make(path: Path) -> int:
    """Make the file for its owner alone, and lock it; log and index take its mode from it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path.with_suffix(".db.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        _flush_directory(path.parent)
    except BlockingIOError:
        os.close(lock)
        raise ConfigError(f"{path}: another Relay is using it") from None
    except OSError:
        os.close(lock)
        raise
    return lock


def _flush_directory(directory: Path) -> None:
    """A new file lasts through a power cut when the directory is on the disk as well."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
