"""The tables of settings, for both engines."""

from sqlalchemy import Column, Index, LargeBinary, Table

from relay.store.tables import Number, metadata

settings_users = Table(
    "settings_users",
    metadata,
    Column("user", LargeBinary, primary_key=True),
    Column("version", Number, nullable=False),
    Column("until_ms", Number),
    Index("settings_users_by_end", "until_ms"),
)

settings = Table(
    "settings",
    metadata,
    Column("user", LargeBinary, primary_key=True),
    Column("namespace", LargeBinary, primary_key=True),
    Column("version", Number, primary_key=True, autoincrement=False),
    Column("value", LargeBinary),
    Column("at_ms", Number, nullable=False),
    Column("restores", Number),
)
