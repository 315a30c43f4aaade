"""The table of events that are being told to very many, for both engines."""

from sqlalchemy import Column, LargeBinary, Table

from relay.store.tables import Number, metadata

fan_outs = Table(
    "fan_outs",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("event", LargeBinary, nullable=False, unique=True),
    Column("below", Number, nullable=False),
    sqlite_autoincrement=True,
)
