"""The table of minutes, for both engines."""

from sqlalchemy import Column, Index, Table

from relay.store.tables import Number, metadata

room_minutes = Table(
    "room_minutes",
    metadata,
    Column("channel_id", Number, primary_key=True, autoincrement=False),
    Column("minute", Number, primary_key=True, autoincrement=False),
    Column("messages", Number, nullable=False),
    Column("users", Number, nullable=False),
    Index("room_minutes_by_age", "minute"),
)
