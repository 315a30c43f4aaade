"""The tables of notices, for both engines.

`deliveries` refers to events and endpoints without foreign keys: what is tidied up is tidied up
little by little, in an order of its own.
"""

from sqlalchemy import Column, Index, LargeBinary, Table

from relay.store.tables import Number, metadata

airings = Table(
    "airings",
    metadata,
    Column("stream", LargeBinary, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("endpoint", LargeBinary, primary_key=True),
    Column("value", LargeBinary),
)
"""Without a value: it was dropped, and there may be deliveries to be tidied up."""

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("subscription", LargeBinary, primary_key=True),
    Column("value", LargeBinary),
)
"""As `endpoints`."""

events = Table(
    "events",
    metadata,
    Column("event", LargeBinary, primary_key=True),
    Column("at_ms", Number, nullable=False),
    Column("stream", LargeBinary, nullable=False),
    Column("type", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("events_by_age", "at_ms"),
    Index("events_by_stream", "stream", "at_ms"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("endpoint", LargeBinary, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Column("at_ms", Number, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("attempts", Number, nullable=False),
    Column("due_ms", Number, nullable=False),
    Column("tried_ms", Number),
    Column("answer", LargeBinary, nullable=False),
    Index("deliveries_by_queue", "endpoint", "state", "id"),
    Index("deliveries_by_event", "event"),
    Index("deliveries_by_age", "at_ms"),
    sqlite_autoincrement=True,
)
"""`at_ms` is the event's: what is old is found without a look at it."""
