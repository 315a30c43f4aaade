"""Follows: who wants to know when which stream is live, and how far that has been told."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "follows",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("user", sa.LargeBinary, nullable=False),
        sa.Column("stream", sa.LargeBinary, nullable=False),
        sa.Column("since_ms", NUMBER, nullable=False),
        sa.Column("until_ms", NUMBER),
        sqlite_autoincrement=True,
    )
    op.create_index("follows_once", "follows", ["user", "stream"], unique=True)
    op.create_index("follows_by_user", "follows", ["user", "id"])
    op.create_index("follows_by_stream", "follows", ["stream", "id"])
    op.create_index("follows_by_end", "follows", ["until_ms"])
    op.create_table(
        "fan_outs",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("event", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("below", NUMBER, nullable=False),
        sqlite_autoincrement=True,
    )
