"""Events for very many, in a database.  Everything here runs in a thread.

A page of channels is one list of names in a few statements, and what is done with each of them is
done by the database: for a thousand rows Python only writes a thousand names down, and other
threads run meanwhile.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from relay.store import statements
from relay.store.contract import ChannelRecord
from relay.store.fan_outs import (
    TRIM_SLACK,
    AdvanceFanOut,
    AppendToEach,
    BeginFanOut,
    FanOut,
    FanOutChange,
)
from relay.store.fan_outs_tables import fan_outs
from relay.store.outbox import StoredEvent
from relay.store.outbox_tables import events
from relay.store.rows import channel_row, decode, encode
from relay.store.tables import channels, publications

_named = channels.c.name.in_(bindparam("names", expanding=True))
_open = ~channels.c.is_closed
_KNOWN = select(channels.c.name, channels.c.first_offset, channels.c.last_offset).where(_named)
_next = select(
    channels.c.id,
    channels.c.last_offset + 1,
    bindparam("data", type_=publications.c.data.type),
    bindparam("at_ms", type_=publications.c.at_ms.type),
).where(_named, _open)
_PUBLISH = insert(publications).from_select(["channel_id", "offset", "data", "at_ms"], _next)
_ADVANCE = update(channels).where(_named, _open).values(last_offset=channels.c.last_offset + 1)


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
        case AppendToEach():
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


def _append(connection: Connection, change: AppendToEach) -> None:
    names = {encode(name): name for name in change.channels}
    if not names:
        return
    known = connection.execute(_KNOWN, {"names": list(names)}).all()
    made = names.keys() - {row.name for row in known}
    if made:
        rows = [_made(names[name], change) for name in names if name in made]
        connection.execute(statements.CREATE, rows)
    said = {"names": list(names), "data": change.data, "at_ms": change.at_ms}
    connection.execute(_PUBLISH, said)
    connection.execute(_ADVANCE, {"names": list(names)})
    _trim(connection, known, change.keep)


def _made(name: str, change: AppendToEach) -> dict[str, Any]:
    return channel_row(
        ChannelRecord(
            name=name,
            epoch=change.epoch,
            created_ms=change.at_ms,
            expires_ms=change.channels[name],
        )
    )


def _trim(connection: Connection, known: Sequence[Any], keep: int) -> None:
    """`known` is as they were before."""
    trimmed = [
        {"channel": row.name, "first": row.last_offset + 2 - keep}
        for row in known
        if row.last_offset + 2 - row.first_offset > TRIM_SLACK * keep
    ]
    if trimmed:
        connection.execute(statements.TRIM, trimmed)
        connection.execute(statements.SWEEP_TRIMMED, trimmed)
