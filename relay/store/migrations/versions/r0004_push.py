"""Web Push: devices, waves of pushes, and what is queued of them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _subscriptions()
    op.create_table(
        "push_waves",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("event", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("stream", sa.LargeBinary, nullable=False),
        sa.Column("round", NUMBER, nullable=False),
        sa.Column("below", NUMBER, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("push_waves_by_stream", "push_waves", ["stream"])
    _queue()


def _subscriptions() -> None:
    op.create_table(
        "push_subscriptions",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("user", sa.LargeBinary, nullable=False),
        sa.Column("endpoint", sa.LargeBinary, nullable=False),
        sa.Column("p256dh", sa.LargeBinary, nullable=False),
        sa.Column("auth", sa.LargeBinary, nullable=False),
        sa.Column("made_ms", NUMBER, nullable=False),
        sa.Column("active_ms", NUMBER, nullable=False),
        sa.Column("until_ms", NUMBER),
        sa.Column("refusals", NUMBER, nullable=False),
        sa.Column("told", sa.LargeBinary, nullable=False),
    )
    op.create_index("push_subscriptions_by_user", "push_subscriptions", ["user", "active_ms"])
    op.create_index("push_subscriptions_by_end", "push_subscriptions", ["until_ms"])


def _queue() -> None:
    op.create_table(
        "push_queue",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.Column("subscription", sa.LargeBinary, nullable=False),
        sa.Column("service", sa.LargeBinary, nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("due_ms", NUMBER, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("push_queue_once", "push_queue", ["subscription", "event"], unique=True)
    op.create_index("push_queue_by_event", "push_queue", ["event", "service", "due_ms"])
    op.create_index("push_queue_by_service", "push_queue", ["service", "due_ms", "id"])
