"""Notices: who is announced, what has happened, and who is to be told of it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "airings",
        sa.Column("stream", sa.LargeBinary, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "endpoints",
        sa.Column("endpoint", sa.LargeBinary, primary_key=True),
        sa.Column("value", sa.LargeBinary),
    )
    _events()
    _deliveries()


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("event", sa.LargeBinary, primary_key=True),
        sa.Column("at_ms", NUMBER, nullable=False),
        sa.Column("stream", sa.LargeBinary, nullable=False),
        sa.Column("type", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("events_by_age", "events", ["at_ms"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("endpoint", sa.LargeBinary, nullable=False),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.Column("at_ms", NUMBER, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("due_ms", NUMBER, nullable=False),
        sa.Column("tried_ms", NUMBER),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("deliveries_by_queue", "deliveries", ["endpoint", "state", "id"])
    op.create_index("deliveries_by_event", "deliveries", ["event"])
    op.create_index("deliveries_by_age", "deliveries", ["at_ms"])
