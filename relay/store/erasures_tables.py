"""The table of erasures, for both engines."""

from sqlalchemy import Column, LargeBinary, Table

from relay.store.tables import metadata

erasures = Table(
    "erasures",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("user", LargeBinary),
    Column("value", LargeBinary, nullable=False),
)
