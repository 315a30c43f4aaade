"""Events for very many, in a database.  Everything here runs in a thread.

A page of followers is a range of their ids, in a few statements: for a thousand of them Python does
no more than for one, and other threads run meanwhile.
"""

import functools
from typing import Any

from sqlalchemy import (
    Connection,
    LargeBinary,
    Select,
    bindparam,
    cast,
    delete,
    false,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.base import Executable

from relay.store import statements
from relay.store.contract import JSON_TYPE
from relay.store.fan_outs import (
    TRIM_SLACK,
    AdvanceFanOut,
    AppendForFollowers,
    BeginFanOut,
    FanOut,
    FanOutChange,
)
from relay.store.fan_outs_tables import fan_outs
from relay.store.follows_tables import follows
from relay.store.outbox import StoredEvent
from relay.store.outbox_tables import events
from relay.store.rows import decode, encode
from relay.store.tables import Number, channels, publications

_data = bindparam("data", type_=publications.c.data.type)
_at_ms = bindparam("at_ms", type_=publications.c.at_ms.type)

_told: Select[Any] = select().where(
    follows.c.stream == bindparam("stream"),
    follows.c.id <= bindparam("newest"),
    follows.c.id >= bindparam("oldest"),
    follows.c.user.not_in(bindparam("apart", expanding=True)),
)
# Bytes put together are a text for SQLite.
_prefix = bindparam("prefix", type_=LargeBinary)
_name = cast(_prefix.op("||", return_type=LargeBinary())(follows.c.user), LargeBinary)
_theirs = channels.c.name.in_(_told.add_columns(_name).scalar_subquery())
_open = ~channels.c.is_closed

_MADE = {
    "name": _name,
    "epoch": bindparam("epoch", type_=LargeBinary),
    "content_type": literal(encode(JSON_TYPE), LargeBinary),
    "created_ms": _at_ms,
    "first_offset": literal(1, Number),
    "last_offset": literal(1, Number),
    "is_closed": false(),
    "expires_ms": follows.c.until_ms,
    "stream_seq": literal(b"", LargeBinary),
}
_PUBLISH = insert(publications).from_select(
    ["channel_id", "offset", "data", "at_ms"],
    select(channels.c.id, channels.c.last_offset, _data, _at_ms).where(_theirs, _open),
)
_ADVANCE = update(channels).where(_theirs, _open).values(last_offset=channels.c.last_offset + 1)
_TOO_LONG = select(channels.c.name, channels.c.last_offset).where(
    _theirs, channels.c.last_offset + 1 - channels.c.first_offset > bindparam("most")
)


def execute(connection: Connection, change: FanOutChange) -> None:
    """Make one change in the connection's transaction."""
    match change:
        case BeginFanOut(event):
            connection.execute(insert(fan_outs), {"event": encode(event), "below": 0})
        case AdvanceFanOut(event, None):
            connection.execute(delete(fan_outs).where(fan_outs.c.event == encode(event)))
        case AdvanceFanOut(event, int(below)):
            told = update(fan_outs).where(fan_outs.c.event == encode(event))
            connection.execute(told.values(below=below))
        case AppendForFollowers():
            _append(connection, change)


def unfinished(connection: Connection) -> list[FanOut]:
    """See `Store.fan_outs`."""
    statement = select(fan_outs.c.below, events).join(events, events.c.event == fan_outs.c.event)
    return [
        FanOut(
            event=StoredEvent(
                id=decode(row.event),
                at_ms=row.at_ms,
                stream=decode(row.stream),
                type=decode(row.type),
                body=row.body,
            ),
            below=row.below,
        )
        for row in connection.execute(statement.order_by(fan_outs.c.id))
    ]


def _append(connection: Connection, change: AppendForFollowers) -> None:
    those = {
        "stream": encode(change.stream),
        "newest": change.newest,
        "oldest": change.oldest,
        "apart": [encode(user) for user in change.apart],
        "prefix": encode(change.prefix),
    }
    at = {"at_ms": change.at_ms}
    if connection.execute(_ADVANCE, those).rowcount < change.expected:
        # Some are closed, or not there; seldom, as most have been told of something before.
        statement = _make(connection.dialect.name)
        connection.execute(statement, those | at | {"epoch": encode(change.epoch)})
    connection.execute(_PUBLISH, those | at | {"data": change.data})
    if change.trims:
        _trim(connection, those, change.keep)


def _trim(connection: Connection, those: dict[str, Any], keep: int) -> None:
    too_long = {"most": int(TRIM_SLACK * keep)}
    trimmed = [
        {"channel": row.name, "first": row.last_offset + 1 - keep}
        for row in connection.execute(_TOO_LONG, those | too_long)
    ]
    if trimmed:
        connection.execute(statements.TRIM, trimmed)
        connection.execute(statements.SWEEP_TRIMMED, trimmed)


@functools.cache
def _make(dialect: str) -> Executable:
    """Channels of followers who have none yet, with the first offset given out."""
    insertion = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insertion(channels).from_select([*_MADE], _told.add_columns(*_MADE.values()))
    return statement.on_conflict_do_nothing()
