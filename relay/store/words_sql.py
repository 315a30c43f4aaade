"""Which words are in the index, and what is found by them.  Everything here runs in a thread."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Select, and_, cast, column, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY

from relay.store.rows import Found, Row, decode
from relay.store.tables import Number, publications
from relay.store.words import Wanted, message_words
from relay.store.words_tables import ROOM_ROWS
from relay.store.words_tables import message_words as vectors

SAID = (
    publications.c.channel_id,
    publications.c.offset,
    publications.c.data,
    publications.c.author_user,
)
"""What is read of a message whose words are to go."""


class Engine(Protocol):
    """What differs between the engines."""

    def add(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Rows have `channel_id`, `offset` and `words`, of which there are some."""

    def remove(self, connection: Connection, rows: Sequence[Row]) -> None:
        """The same, with the words that were added."""

    def found(self, channel: int, wanted: Wanted) -> tuple[Select[Any], Any]:
        """The `publications` that are wanted, and what they can be ordered by."""


def index(connection: Connection, rows: Iterable[Found]) -> None:
    """Put messages into the index; rows have what `SAID` has."""
    _engine(connection).add(connection, _with_words(rows))


def remove(connection: Connection, rows: Iterable[Found]) -> None:
    """Messages are no more; rows have what they said, as `SAID`."""
    _engine(connection).remove(connection, _with_words(rows))


def found(
    connection: Connection, channel: int, wanted: Wanted, *, newest_first: bool
) -> Select[Any]:
    """What is wanted of a channel, and not deleted, in order."""
    statement, order = _engine(connection).found(channel, wanted)
    # None of those is in the index; but where another version of Python had other ideas of words,
    # some of what was told to be taken away may not have been what was there.
    statement = statement.where(publications.c.is_tombstone.is_(None))
    return statement.order_by(order.desc() if newest_first else order)


def _with_words(rows: Iterable[Found]) -> list[Row]:
    found: list[Row] = []
    for row in rows:
        author = row["author_user"]
        words = message_words(row["data"], None if author is None else decode(author))
        if words:
            found.append({"channel_id": row["channel_id"], "offset": row["offset"], "words": words})
    return found


class _Sqlite:
    _ADD = text("INSERT INTO message_words (rowid, words) VALUES (:row, :words)")
    _REMOVE = text(
        "INSERT INTO message_words (message_words, rowid, words) VALUES ('delete', :row, :words)"
    )
    _INDEX = table("message_words", column("rowid", Number))
    _MATCHES = "message_words MATCH :query"

    def add(self, connection: Connection, rows: Sequence[Row]) -> None:
        if parameters := _numbered(rows):
            connection.execute(self._ADD, parameters)

    def remove(self, connection: Connection, rows: Sequence[Row]) -> None:
        if parameters := _numbered(rows):
            connection.execute(self._REMOVE, parameters)

    def found(self, channel: int, wanted: Wanted) -> tuple[Select[Any], Any]:
        row, first = self._INDEX.c.rowid, channel * ROOM_ROWS
        end = ROOM_ROWS if wanted.below is None else min(wanted.below, ROOM_ROWS)
        statement = (
            select(publications)
            .select_from(self._INDEX)
            .join(
                publications,
                and_(publications.c.channel_id == channel, publications.c.offset == row - first),
            )
            .where(
                # Every word is in quotes, and none has any (FTS5, 3.1): all must be there.
                text(self._MATCHES).bindparams(query=" ".join(f'"{it}"' for it in wanted.terms)),
                row > first + min(wanted.above, ROOM_ROWS),
                row < first + end,
            )
        )
        return statement, row


class _Postgres:
    _ADD = text(
        'INSERT INTO message_words (channel_id, "offset", words)'
        " VALUES (:channel_id, :offset, array_to_tsvector(CAST(:words AS text[])))"
    )
    _REMOVE = text(
        'DELETE FROM message_words WHERE channel_id = :channel_id AND "offset" = :offset'
    )

    def add(self, connection: Connection, rows: Sequence[Row]) -> None:
        if rows:
            listed = [{**row, "words": list(row["words"])} for row in rows]
            connection.execute(self._ADD, listed)

    def remove(self, connection: Connection, rows: Sequence[Row]) -> None:
        if rows:
            connection.execute(self._REMOVE, list(rows))

    def found(self, channel: int, wanted: Wanted) -> tuple[Select[Any], Any]:
        offset = vectors.c.offset
        query = " & ".join(f"'{it}'" for it in wanted.terms)
        statement = (
            select(publications)
            .select_from(vectors)
            .join(
                publications,
                and_(
                    publications.c.channel_id == vectors.c.channel_id,
                    publications.c.offset == offset,
                ),
            )
            .where(
                vectors.c.channel_id == channel,
                vectors.c.words.bool_op("@@")(cast(query, TSQUERY)),
                offset > wanted.above,
            )
        )
        return statement if wanted.below is None else statement.where(offset < wanted.below), offset


def _numbered(rows: Sequence[Row]) -> list[Row]:
    """As rows of SQLite's index."""
    return [
        {"row": row["channel_id"] * ROOM_ROWS + row["offset"], "words": " ".join(row["words"])}
        for row in rows
        if row["offset"] < ROOM_ROWS
    ]


_ENGINES: dict[str, Engine] = {"sqlite": _Sqlite(), "postgresql": _Postgres()}


def _engine(connection: Connection) -> Engine:
    return _ENGINES[connection.dialect.name]
