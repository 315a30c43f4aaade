"""Recordings: which there are, and which streams are recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("stream", sa.LargeBinary, nullable=False),
        sa.Column("owner", sa.LargeBinary, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("recordings_by_stream", "recordings", ["stream", "number"])
    op.create_index("recordings_by_owner", "recordings", ["owner", "number"])
    op.create_index("recordings_open", "recordings", ["is_open"])
    op.create_table(
        "recording_wishes",
        sa.Column("stream", sa.LargeBinary, primary_key=True),
        sa.Column("is_wanted", sa.Boolean, nullable=False),
    )
