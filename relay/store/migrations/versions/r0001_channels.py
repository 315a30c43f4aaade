"""Durable channels, and what is said of streams."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _channels()
    _publications()
    _keys()
    _producers()
    op.create_table(
        "graves", sa.Column("channel_id", NUMBER, primary_key=True, autoincrement=False)
    )
    op.create_table(
        "details",
        sa.Column("stream", sa.LargeBinary, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )


def _channels() -> None:
    op.create_table(
        "channels",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("name", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("epoch", sa.LargeBinary, nullable=False),
        sa.Column("content_type", sa.LargeBinary, nullable=False),
        sa.Column("created_ms", NUMBER, nullable=False),
        sa.Column("first_offset", NUMBER, nullable=False),
        sa.Column("last_offset", NUMBER, nullable=False),
        sa.Column("is_closed", sa.Boolean, nullable=False),
        sa.Column("ttl_s", NUMBER),
        sa.Column("expires_ms", NUMBER),
        sa.Column("stream_seq", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("channels_by_expiry", "channels", ["expires_ms"])


def _publications() -> None:
    op.create_table(
        "publications",
        sa.Column("channel_id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("offset", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("at_ms", NUMBER, nullable=False),
        sa.Column("author_user", sa.LargeBinary),
        sa.Column("author_client", sa.LargeBinary),
        sa.Column("author_info", sa.LargeBinary),
        sa.Column("tags", sa.LargeBinary),
        sa.Column("session", sa.LargeBinary),
        sa.Column("media_ms", NUMBER),
    )


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("channel_id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("offset", NUMBER, nullable=False),
        sa.Column("at_ms", NUMBER, nullable=False),
    )
    op.create_index("keys_by_age", "keys", ["at_ms"])


def _producers() -> None:
    op.create_table(
        "producers",
        sa.Column(
            "channel_id",
            NUMBER,
            sa.ForeignKey("channels.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("producer", sa.LargeBinary, primary_key=True),
        sa.Column("producer_epoch", NUMBER, nullable=False),
        sa.Column("producer_seq", NUMBER, nullable=False),
    )
