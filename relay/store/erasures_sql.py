"""Erasures in a database: the changes, and the questions.  Everything here runs in a thread."""

from sqlalchemy import Connection, delete, insert, select, update

from relay.store.erasures import (
    ErasureChange,
    ForgetKeysOf,
    PutErasure,
    ReactionOf,
    RewriteEvent,
    StoredErasure,
)
from relay.store.erasures_tables import erasures
from relay.store.outbox import StoredEvent
from relay.store.outbox_tables import events
from relay.store.rooms_tables import reactions
from relay.store.rows import Found, decode, encode
from relay.store.tables import channels, keys


def execute(connection: Connection, change: ErasureChange) -> None:
    """Make one change in the connection's transaction."""
    match change:
        case PutErasure(erasure):
            name = encode(erasure.id)
            user = None if erasure.user is None else encode(erasure.user)
            connection.execute(delete(erasures).where(erasures.c.id == name))
            connection.execute(insert(erasures).values(id=name, user=user, value=erasure.value))
        case ForgetKeysOf(user):
            # A key of a user's begins with the user, and an end of line.
            start = encode(user) + b"\n"
            theirs = keys.c.key >= start, keys.c.key < start[:-1] + b"\x0b"
            connection.execute(delete(keys).where(*theirs))
        case RewriteEvent(event=event, body=body):
            named = update(events).where(events.c.event == encode(event))
            connection.execute(named.values(body=body))


def find(connection: Connection, name: str) -> StoredErasure | None:
    """See `Store.erasure`."""
    found = connection.execute(select(erasures).where(erasures.c.id == encode(name)))
    row = found.mappings().one_or_none()
    return None if row is None else _erasure(row)


def still_open(connection: Connection) -> list[StoredErasure]:
    """See `Store.open_erasures`."""
    statement = select(erasures).where(erasures.c.user.is_not(None)).order_by(erasures.c.id)
    return [_erasure(row) for row in connection.execute(statement).mappings()]


def reactions_of(connection: Connection, user: str, limit: int) -> list[ReactionOf]:
    """See `Store.reactions_of`."""
    statement = (
        select(channels.c.name, reactions.c.offset, reactions.c.reaction)
        .join(channels, channels.c.id == reactions.c.channel_id)
        .where(reactions.c.user == encode(user))
        .limit(limit)
    )
    return [
        ReactionOf(decode(row.name), row.offset, decode(row.reaction))
        for row in connection.execute(statement)
    ]


def all_events(connection: Connection, after: str, limit: int) -> list[StoredEvent]:
    """See `Store.all_events`."""
    statement = select(events).where(events.c.event > encode(after)).order_by(events.c.event)
    return [_event(row) for row in connection.execute(statement.limit(limit)).mappings()]


def _erasure(row: Found) -> StoredErasure:
    user = None if row["user"] is None else decode(row["user"])
    return StoredErasure(id=decode(row["id"]), user=user, value=row["value"])


def _event(row: Found) -> StoredEvent:
    return StoredEvent(
        id=decode(row["event"]),
        at_ms=row["at_ms"],
        stream=decode(row["stream"]),
        type=decode(row["type"]),
        body=row["body"],
    )
