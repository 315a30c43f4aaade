"""What was said can be found: by its words, and by where the picture stood."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import TSVECTOR

from relay.store import words_sql
from relay.store.words_tables import SQLITE

revision = "0008"
down_revision = "0010"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT_ONCE = 5_000
_ARE_MESSAGES = sa.text("message IS NOT NULL AND session IS NOT NULL")
_SAID = sa.text(
    'SELECT channel_id, "offset", data, author_user FROM publications'
    " WHERE message IS NOT NULL AND is_tombstone IS NULL"
    ' AND (channel_id > :channel OR (channel_id = :channel AND "offset" > :offset))'
    ' ORDER BY channel_id, "offset" LIMIT :count'
)


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        op.execute(SQLITE)
    else:
        op.create_table(
            "message_words",
            sa.Column("channel_id", NUMBER, primary_key=True, autoincrement=False),
            sa.Column("offset", NUMBER, primary_key=True, autoincrement=False),
            sa.Column("words", TSVECTOR, nullable=False),
        )
        op.create_index("message_words_by_word", "message_words", ["words"], postgresql_using="gin")
    op.create_index(
        "publications_by_media",
        "publications",
        ["channel_id", "session", "media_ms", "offset"],
        sqlite_where=_ARE_MESSAGES,
        postgresql_where=_ARE_MESSAGES,
    )
    _index_what_was_said(connection)


def _index_what_was_said(connection: Connection) -> None:
    """A million messages take about half a minute."""
    channel, offset = 0, 0
    while True:
        at = {"channel": channel, "offset": offset, "count": AT_ONCE}
        said = connection.execute(_SAID, at).mappings().all()
        words_sql.index(connection, said)
        if len(said) < AT_ONCE:
            return
        channel, offset = said[-1]["channel_id"], said[-1]["offset"]
