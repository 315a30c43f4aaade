"""Moderation: what holds in each room, and who has ordered it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("room", sa.LargeBinary, primary_key=True),
        sa.Column("kind", sa.LargeBinary, primary_key=True),
        sa.Column("subject", sa.LargeBinary, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "order_log",
        sa.Column("room", sa.LargeBinary, primary_key=True),
        sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("at_ms", NUMBER, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
