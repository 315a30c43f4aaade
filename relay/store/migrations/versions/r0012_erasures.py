"""Users who are to be forgotten, and receipts of those who are."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("user", sa.LargeBinary),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_index("reactions_by_user", "reactions", ["user"])
