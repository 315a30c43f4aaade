"""Follows in a database: the changes, and the questions.  Everything here runs in a thread."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from relay.store.follows import DropFollow, Follow, FollowChange, Listener, PutFollow
from relay.store.follows_tables import follows
from relay.store.rows import decode, encode


def execute(connection: Connection, change: FollowChange) -> None:
    """Make one change in the connection's transaction."""
    match change:
        case PutFollow():
            _put(connection, change)
        case DropFollow(user, stream):
            connection.execute(delete(follows).where(*_of(user, stream)))


def find(connection: Connection, user: str, stream: str) -> Follow | None:
    """See `Store.follow`."""
    found = _follows(connection, select(follows).where(*_of(user, stream)))
    return found[0] if found else None


def by_user(connection: Connection, user: str, below: int, limit: int) -> list[Follow]:
    """See `Store.follows`."""
    return _page(connection, follows.c.user == encode(user), below, limit)


def by_stream(connection: Connection, stream: str, below: int, limit: int) -> list[Follow]:
    """See `Store.followers`."""
    return _page(connection, follows.c.stream == encode(stream), below, limit)


def listeners(connection: Connection, stream: str, below: int, limit: int) -> list[Listener]:
    """See `Store.listeners`."""
    brief = follows.c.id, follows.c.user, follows.c.until_ms
    statement = _ordered(select(*brief), follows.c.stream == encode(stream), below, limit)
    return [(number, decode(user), until) for number, user, until in connection.execute(statement)]


def count(connection: Connection, user: str) -> int:
    """See `Store.follow_count`."""
    statement = select(func.count()).select_from(follows).where(follows.c.user == encode(user))
    return int(connection.execute(statement).scalar_one())


def counts(connection: Connection) -> dict[str, int]:
    """See `Store.follower_counts`."""
    statement = select(follows.c.stream, func.count()).group_by(follows.c.stream)
    found: Sequence[Any] = connection.execute(statement).all()
    return {decode(stream): number for stream, number in found}


def outlived(connection: Connection, now_ms: int, limit: int) -> list[Follow]:
    """See `Store.outlived_follows`."""
    over = select(follows).where(follows.c.until_ms <= now_ms).order_by(follows.c.until_ms)
    return _follows(connection, over.limit(limit))


def _put(connection: Connection, change: PutFollow) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {
        "user": encode(change.user),
        "stream": encode(change.stream),
        "since_ms": change.since_ms,
        "until_ms": change.until_ms,
    }
    connection.execute(dialect.insert(follows).values(row).on_conflict_do_nothing())


def _of(user: str, stream: str) -> tuple[ColumnElement[bool], ...]:
    return follows.c.user == encode(user), follows.c.stream == encode(stream)


def _page(
    connection: Connection, whose: ColumnElement[bool], below: int, limit: int
) -> list[Follow]:
    return _follows(connection, _ordered(select(follows), whose, below, limit))


def _ordered(
    statement: Select[Any], whose: ColumnElement[bool], below: int, limit: int
) -> Select[Any]:
    statement = statement.where(whose).order_by(follows.c.id.desc()).limit(limit)
    return statement.where(follows.c.id < below) if below else statement


def _follows(connection: Connection, statement: Select[Any]) -> list[Follow]:
    return [
        Follow(
            id=number,
            user=decode(user),
            stream=decode(stream),
            since_ms=since_ms,
            until_ms=until_ms,
        )
        for number, user, stream, since_ms, until_ms in connection.execute(statement)
    ]
