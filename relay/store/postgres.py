"""PostgreSQL, by psycopg 3.

A commit whose answer does not arrive may or may not have happened, and nobody may be told either
before it is known.  So each transaction notes its number, and a new connection asks what has become
of it (`pg_xact_status`, made for this).

A lock that lives as long as the writing connection keeps a second Relay away, which would give out
the same offsets; and a new connection gets it when the old one's process has ended, so that nothing
of what was in doubt can still happen after it has answered.
"""

from collections.abc import Mapping
from typing import Any

import attrs
from psycopg.errors import Error, LockNotAvailable
from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from relay.store.contract import StoreUnavailable
from relay.store.threads import READERS

LOCK = 0x52656C6179
"""Of `pg_advisory_lock`: "Relay" in ASCII."""

LOCK_S = 10
"""A Relay that was killed has its lock until the database has noticed."""

LIMITS: Mapping[str, int] = {
    "connect_timeout": 5,
    # Nobody waits for a host that is gone (libpq, "Parameter Key Words"); seconds, milliseconds.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_SETTINGS = "-c synchronous_commit=on -c statement_timeout=30s"


@attrs.define(eq=False)
class PostgresDatabase:
    """See the head of this module; `store.sql.Database`."""

    _url: URL
    writer: Engine = attrs.field(init=False)
    readers: Engine = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.writer = _engine(self._url, 1, _SETTINGS)
        event.listen(self.writer, "connect", _lock)
        self.readers = _engine(
            self._url,
            READERS,
            f"{_SETTINGS} -c default_transaction_read_only=on",
            isolation_level="REPEATABLE READ",
        )

    def mark(self, connection: Connection) -> str | None:
        """The number of the transaction."""
        number = connection.execute(text("SELECT CAST(pg_current_xact_id() AS text)"))
        return str(number.scalar_one())

    def outcome(self, mark: str) -> bool | None:
        """Whether that transaction was committed; None while nobody knows."""
        asked = text("SELECT pg_xact_status(CAST(CAST(:mark AS text) AS xid8))")
        with self.writer.connect() as connection:
            status = connection.execute(asked, {"mark": mark}).scalar()
        return {"committed": True, "aborted": False}.get(str(status))

    def close(self) -> None:
        self.readers.dispose()
        self.writer.dispose()


def _engine(url: URL, connections: int, settings: str, **more: Any) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={**LIMITS, "options": settings},
        pool_size=connections,
        max_overflow=0,
        # After a restart of the database, connections are made anew and nobody notices.
        pool_pre_ping=True,
        hide_parameters=True,
        **more,
    )


def _lock(connection: Any, _record: Any) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_S}s'")
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        connection.commit()
    except Error as error:
        connection.close()
        if isinstance(error, LockNotAvailable):
            raise StoreUnavailable("another Relay is using this database") from None
        raise
