"""The statements that change a database.  Names of parameters are those in `plan.Step`'s rows."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.schema import Table

from relay.store.minutes_tables import room_minutes
from relay.store.rooms_tables import reactions
from relay.store.tables import Number, channels, details, graves, keys, producers, publications
from relay.store.words_sql import SAID

SWEPT_ROWS = 1_000
"""How many rows one statement may clean up."""

_named = channels.c.name == bindparam("channel")
_first = bindparam("first", type_=Number)
_grave = bindparam("grave", type_=Number)

_id = select(channels.c.id).where(_named).scalar_subquery()
"""Null where there is no such channel, which no table takes."""

_said: dict[str, Any] = {
    "is_closed": or_(channels.c.is_closed, bindparam("closes", type_=channels.c.is_closed.type)),
    "stream_seq": func.coalesce(
        bindparam("seq", type_=channels.c.stream_seq.type), channels.c.stream_seq
    ),
}

CREATE = insert(channels)
PUBLISH = insert(publications).values(channel_id=_id)
ADVANCE = (
    update(channels)
    .where(_named, channels.c.last_offset == bindparam("before"))
    .values(last_offset=bindparam("last"), **_said)
)
MARK = update(channels).where(_named).values(**_said)
TOUCH = update(channels).where(_named).values(expires_ms=bindparam("expires"))
BURY = insert(graves).from_select(["channel_id"], select(channels.c.id).where(_named))
DELETE = delete(channels).where(_named)

TRIM = update(channels).where(_named, channels.c.first_offset < _first).values(first_offset=_first)
_oldest = (
    select(func.min(publications.c.offset)).where(publications.c.channel_id == _id)
).scalar_subquery()
_trimmed = (
    publications.c.channel_id == _id,
    publications.c.offset < _first,
    publications.c.offset < _oldest + SWEPT_ROWS,
)
TRIMMED_SAID = select(*SAID).where(*_trimmed, publications.c.message.is_not(None))
"""What of that the index of words has to let go of."""
SWEEP_TRIMMED = delete(publications).where(*_trimmed)
_oldest_reaction = (
    select(func.min(reactions.c.offset)).where(reactions.c.channel_id == _id)
).scalar_subquery()
SWEEP_REACTIONS = delete(reactions).where(
    reactions.c.channel_id == _id,
    reactions.c.offset < _first,
    reactions.c.offset < _oldest_reaction + SWEPT_ROWS,
)

GRAVE = select(graves.c.channel_id).order_by(graves.c.channel_id).limit(1)
_remains = (
    select(publications.c.offset)
    .where(publications.c.channel_id == _grave)
    .order_by(publications.c.offset)
    .limit(SWEPT_ROWS)
)
_reacted = (
    select(reactions.c.offset)
    .where(reactions.c.channel_id == _grave)
    .order_by(reactions.c.offset)
    .limit(SWEPT_ROWS)
)
_counted = (
    select(room_minutes.c.minute)
    .where(room_minutes.c.channel_id == _grave)
    .order_by(room_minutes.c.minute)
    .limit(SWEPT_ROWS)
)
_buried = publications.c.channel_id == _grave, publications.c.offset.in_(_remains)
BURIED_SAID = select(*SAID).where(*_buried, publications.c.message.is_not(None))
DIG = (
    delete(publications).where(*_buried),
    delete(reactions).where(reactions.c.channel_id == _grave, reactions.c.offset.in_(_reacted)),
    delete(room_minutes).where(
        room_minutes.c.channel_id == _grave, room_minutes.c.minute.in_(_counted)
    ),
)
"""A part of what is in a grave, of each table."""
FILL = delete(graves).where(graves.c.channel_id == _grave)

_old_keys = (
    select(keys.c.channel_id, keys.c.key)
    .where(keys.c.at_ms < bindparam("before"))
    .order_by(keys.c.at_ms)
    .limit(bindparam("count"))
)
FORGET_KEYS = delete(keys).where(tuple_(keys.c.channel_id, keys.c.key).in_(_old_keys))


_INSERTS: Mapping[str, Callable[[Table], Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def put_key(dialect: str) -> Executable:
    """Remember an idempotency key, or what it stands for now."""
    return _put(dialect, keys, ("offset", "at_ms"), channel_id=_id)


def put_producer(dialect: str) -> Executable:
    """Remember how far a producer has come."""
    return _put(dialect, producers, ("producer_epoch", "producer_seq"), channel_id=_id)


def put_details(dialect: str) -> Executable:
    """Remember what is said of a stream."""
    return _put(dialect, details, ("value",))


def _put(dialect: str, table: Table, changed: tuple[str, ...], **values: Any) -> Executable:
    """Insert or overwrite: the one thing that each engine has an own word for, the same word."""
    insertion = _INSERTS[dialect](table).values(**values)
    new = {name: insertion.excluded[name] for name in changed}
    statement: Executable = insertion.on_conflict_do_update(
        index_elements=list(table.primary_key), set_=new
    )
    return statement
