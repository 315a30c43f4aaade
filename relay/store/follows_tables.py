"""The table of follows, for both engines."""

from sqlalchemy import Column, Index, LargeBinary, Table

from relay.store.tables import Number, metadata

follows = Table(
    "follows",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("user", LargeBinary, nullable=False),
    Column("stream", LargeBinary, nullable=False),
    Column("since_ms", Number, nullable=False),
    Column("until_ms", Number),
    Index("follows_once", "user", "stream", unique=True),
    Index("follows_by_user", "user", "id"),
    Index("follows_by_stream", "stream", "id"),
    Index("follows_by_end", "until_ms"),
    sqlite_autoincrement=True,
)
