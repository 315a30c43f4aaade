"""WebSub: who follows the feed of a stream, and what stands in it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("subscription", sa.LargeBinary, primary_key=True),
        sa.Column("value", sa.LargeBinary),
    )
    op.create_index("events_by_stream", "events", ["stream", "at_ms"])
