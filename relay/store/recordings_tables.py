"""The tables of recordings, for both engines."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, Table

from relay.store.tables import Number, metadata

recordings = Table(
    "recordings",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("id", LargeBinary, nullable=False, unique=True),
    Column("stream", LargeBinary, nullable=False),
    Column("owner", LargeBinary, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Index("recordings_by_stream", "stream", "number"),
    Index("recordings_by_owner", "owner", "number"),
    Index("recordings_open", "is_open"),
    sqlite_autoincrement=True,
)

recording_wishes = Table(
    "recording_wishes",
    metadata,
    Column("stream", LargeBinary, primary_key=True),
    Column("is_wanted", Boolean, nullable=False),
)
