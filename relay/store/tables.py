"""The tables, for both engines.

`publications` has no foreign key.  A channel that is deleted leaves its rows behind, and its id in
`graves`; they are dug out little by little, so that to delete a channel of ten million messages
holds nobody up.  Ids are never used again, and a reader reaches rows only by their channel.

`keys` has none either: keys grow old and go, whatever has become of their channel.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    text,
)

Number = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits.  Only what SQLite calls INTEGER can be the number of a row (SQLite, "ROWIDs")."""

metadata = MetaData()


def _of_messages(name: str, *columns: str, unique: bool = False, but: str = "") -> Index:
    where = text(f"message IS NOT NULL{but}")
    return Index(
        name, "channel_id", *columns, unique=unique, sqlite_where=where, postgresql_where=where
    )


channels = Table(
    "channels",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("name", LargeBinary, nullable=False, unique=True),
    Column("epoch", LargeBinary, nullable=False),
    Column("content_type", LargeBinary, nullable=False),
    Column("created_ms", Number, nullable=False),
    Column("first_offset", Number, nullable=False),
    Column("last_offset", Number, nullable=False),
    Column("is_closed", Boolean, nullable=False),
    Column("ttl_s", Number),
    Column("expires_ms", Number),
    Column("stream_seq", LargeBinary, nullable=False),
    Index("channels_by_expiry", "expires_ms"),
    sqlite_autoincrement=True,
)

publications = Table(
    "publications",
    metadata,
    Column("channel_id", Number, primary_key=True, autoincrement=False),
    Column("offset", Number, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
    Column("at_ms", Number, nullable=False),
    Column("author_user", LargeBinary),
    Column("author_client", LargeBinary),
    Column("author_info", LargeBinary),
    Column("tags", LargeBinary),
    Column("session", LargeBinary),
    Column("media_ms", Number),
    Column("message", LargeBinary),
    Column("is_tombstone", Boolean),
    # Of messages alone: nothing else pays for these.
    _of_messages("publications_by_message", "message", unique=True),
    _of_messages("publications_messages", "offset"),
    _of_messages("publications_messages_by_time", "at_ms", "offset"),
    _of_messages(
        "publications_by_media", "session", "media_ms", "offset", but=" AND session IS NOT NULL"
    ),
)

keys = Table(
    "keys",
    metadata,
    Column("channel_id", Number, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, primary_key=True),
    Column("offset", Number, nullable=False),
    Column("at_ms", Number, nullable=False),
    Index("keys_by_age", "at_ms"),
)

producers = Table(
    "producers",
    metadata,
    Column(
        "channel_id",
        Number,
        ForeignKey("channels.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("producer", LargeBinary, primary_key=True),
    Column("producer_epoch", Number, nullable=False),
    Column("producer_seq", Number, nullable=False),
)

graves = Table(
    "graves",
    metadata,
    Column("channel_id", Number, primary_key=True, autoincrement=False),
)

details = Table(
    "details",
    metadata,
    Column("stream", LargeBinary, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
