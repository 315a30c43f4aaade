"""The tables of moderation, for both engines."""

from sqlalchemy import Column, LargeBinary, Table

from relay.store.tables import Number, metadata

orders = Table(
    "orders",
    metadata,
    Column("room", LargeBinary, primary_key=True),
    Column("kind", LargeBinary, primary_key=True),
    Column("subject", LargeBinary, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

order_log = Table(
    "order_log",
    metadata,
    Column("room", LargeBinary, primary_key=True),
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("at_ms", Number, nullable=False),
    Column("value", LargeBinary, nullable=False),
)
