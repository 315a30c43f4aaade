"""The tables of rooms, for both engines."""

from sqlalchemy import Column, Index, LargeBinary, Table

from relay.store.tables import Number, metadata

rooms = Table(
    "rooms",
    metadata,
    Column("room", LargeBinary, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

markers = Table(
    "markers",
    metadata,
    Column("user", LargeBinary, primary_key=True),
    Column("room", LargeBinary, primary_key=True),
    Column("epoch", LargeBinary, nullable=False),
    Column("offset", Number, nullable=False),
    Index("markers_by_room", "room"),
)

# As with `publications`, rows of a deleted channel are dug out little by little.
reactions = Table(
    "reactions",
    metadata,
    Column("channel_id", Number, primary_key=True, autoincrement=False),
    Column("offset", Number, primary_key=True, autoincrement=False),
    Column("reaction", LargeBinary, primary_key=True),
    Column("user", LargeBinary, primary_key=True),
    Index("reactions_by_user", "user"),
)
