"""What users have set."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "settings_users",
        sa.Column("user", sa.LargeBinary, primary_key=True),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("until_ms", NUMBER),
    )
    op.create_index("settings_users_by_end", "settings_users", ["until_ms"])
    op.create_table(
        "settings",
        sa.Column("user", sa.LargeBinary, primary_key=True),
        sa.Column("namespace", sa.LargeBinary, primary_key=True),
        sa.Column("version", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("value", sa.LargeBinary),
        sa.Column("at_ms", NUMBER, nullable=False),
        sa.Column("restores", NUMBER),
    )
