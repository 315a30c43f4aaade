"""The index of words, for each engine in its own way.

In SQLite it is a table of FTS5 that keeps words and no texts (FTS5, 4.4.2): a row goes by the
number of its channel and its offset in one number, so that a room is a range of rows.  A word that
is taken away has to be told again, which is made of the message.  Who speaks more often than four
billion times in one room is found no longer.

In PostgreSQL it is a `tsvector` beside the key of the publication, with an index (GIN).
"""

from sqlalchemy import Column, Index, MetaData, Table
from sqlalchemy.dialects.postgresql import TSVECTOR

from relay.store.tables import Number

ROOM_ROWS = 1 << 32
"""Rows of the SQLite table that belong to one channel."""

SQLITE = (
    "CREATE VIRTUAL TABLE message_words USING fts5("
    "words, content='', columnsize=0, detail=none, tokenize=\"ascii tokenchars '@'\")"
)
"""Words are made before they come here, so the tokenizer has nothing to do but to part them."""

message_words = Table(
    "message_words",
    MetaData(),
    Column("channel_id", Number, primary_key=True, autoincrement=False),
    Column("offset", Number, primary_key=True, autoincrement=False),
    Column("words", TSVECTOR, nullable=False),
    Index("message_words_by_word", "words", postgresql_using="gin"),
)
"""Of PostgreSQL."""
