"""Chat: which publications are messages, reactions to them, and how far who has read."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ARE_MESSAGES = sa.text("message IS NOT NULL")


def upgrade() -> None:
    op.add_column("publications", sa.Column("message", sa.LargeBinary))
    op.add_column("publications", sa.Column("is_tombstone", sa.Boolean))
    _index("publications_by_message", "message", unique=True)
    _index("publications_messages", "offset")
    _index("publications_messages_by_time", "at_ms", "offset")
    op.create_table(
        "rooms",
        sa.Column("room", sa.LargeBinary, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "markers",
        sa.Column("user", sa.LargeBinary, primary_key=True),
        sa.Column("room", sa.LargeBinary, primary_key=True),
        sa.Column("epoch", sa.LargeBinary, nullable=False),
        sa.Column("offset", NUMBER, nullable=False),
    )
    op.create_index("markers_by_room", "markers", ["room"])
    op.create_table(
        "reactions",
        sa.Column("channel_id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("offset", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("reaction", sa.LargeBinary, primary_key=True),
        sa.Column("user", sa.LargeBinary, primary_key=True),
    )


def _index(name: str, *columns: str, unique: bool = False) -> None:
    """Of messages alone: nothing else pays for them."""
    op.create_index(
        name,
        "publications",
        ["channel_id", *columns],
        unique=unique,
        sqlite_where=_ARE_MESSAGES,
        postgresql_where=_ARE_MESSAGES,
    )
