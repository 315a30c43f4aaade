"""How much was said in each minute; what was said before this is not counted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "room_minutes",
        sa.Column("channel_id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("minute", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("messages", NUMBER, nullable=False),
        sa.Column("users", NUMBER, nullable=False),
    )
    op.create_index("room_minutes_by_age", "room_minutes", ["minute"])
