"""The tables of Web Push, for both engines.

`push_queue` refers to waves and devices without foreign keys: what is tidied up is tidied up little
by little.
"""

from sqlalchemy import Column, Index, LargeBinary, Table

from relay.store.tables import Number, metadata

push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("user", LargeBinary, nullable=False),
    Column("endpoint", LargeBinary, nullable=False),
    Column("p256dh", LargeBinary, nullable=False),
    Column("auth", LargeBinary, nullable=False),
    Column("made_ms", Number, nullable=False),
    Column("active_ms", Number, nullable=False),
    Column("until_ms", Number),
    Column("refusals", Number, nullable=False),
    Column("told", LargeBinary, nullable=False),
    Index("push_subscriptions_by_user", "user", "active_ms"),
    Index("push_subscriptions_by_end", "until_ms"),
)

push_waves = Table(
    "push_waves",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("event", LargeBinary, nullable=False, unique=True),
    Column("stream", LargeBinary, nullable=False),
    Column("round", Number, nullable=False),
    Column("below", Number, nullable=False),
    Index("push_waves_by_stream", "stream"),
    sqlite_autoincrement=True,
)

push_queue = Table(
    "push_queue",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("event", LargeBinary, nullable=False),
    Column("subscription", LargeBinary, nullable=False),
    Column("service", LargeBinary, nullable=False),
    Column("attempts", Number, nullable=False),
    Column("due_ms", Number, nullable=False),
    Index("push_queue_once", "subscription", "event", unique=True),
    Index("push_queue_by_event", "event", "service", "due_ms"),
    Index("push_queue_by_service", "service", "due_ms", "id"),
    sqlite_autoincrement=True,
)
