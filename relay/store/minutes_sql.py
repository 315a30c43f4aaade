"""Minutes counted in a database.  Everything here runs in a thread."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import attrs
from sqlalchemy import Connection, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from relay.store.minutes import MINUTE_MS, ForgetMinutes, Minute
from relay.store.minutes_tables import room_minutes
from relay.store.rows import Row, encode
from relay.store.tables import channels, publications

FORGOTTEN_AT_ONCE = 1_000
_Place = tuple[int, int]
"""A channel and a minute."""


@attrs.define(eq=False)
class Counting:
    """Counts what is added, by the one connection that writes.

    Who has spoken in a minute is asked of the log once, and known from then on, until the next
    minute, or until a transaction is not known to have been committed.
    """

    _spoken: dict[_Place, set[bytes]] = attrs.field(factory=dict, init=False)
    _is_sure: bool = attrs.field(default=True, init=False)

    def begin(self) -> None:
        """A transaction begins."""
        if not self._is_sure:
            self._spoken.clear()
        self._is_sure = False

    def committed(self) -> None:
        """It is on the disk."""
        self._is_sure = True

    def count(self, connection: Connection, messages: Iterable[Row]) -> None:
        """Messages are about to be added: rows of `publications`, with `channel_id`."""
        rows = defaultdict[_Place, list[Row]](list)
        for row in messages:
            rows[row["channel_id"], row["at_ms"] // MINUTE_MS].append(row)
        if not rows:
            return
        counted = [
            {
                "channel_id": place[0],
                "minute": place[1],
                "messages": len(said),
                "users": self._new_users(connection, place, said),
            }
            for place, said in rows.items()
        ]
        connection.execute(_more(connection), counted)
        self._forget(max(minute for _, minute in rows))

    def _new_users(self, connection: Connection, place: _Place, said: Collection[Row]) -> int:
        known = self._spoken.get(place)
        if known is None:
            known = self._spoken[place] = _spoken(connection, place)
        before = len(known)
        known.update(row["author_user"] for row in said if row["author_user"])
        return len(known) - before

    def _forget(self, minute: int) -> None:
        """What is over is asked for again, should the clock go back."""
        for place in [place for place in self._spoken if place[1] < minute - 1]:
            del self._spoken[place]


def execute(connection: Connection, change: ForgetMinutes) -> None:
    """Make one change in the connection's transaction."""
    key = room_minutes.c.channel_id, room_minutes.c.minute
    oldest = select(*key).where(room_minutes.c.minute < change.before)
    some = oldest.order_by(room_minutes.c.minute).limit(FORGOTTEN_AT_ONCE)
    connection.execute(delete(room_minutes).where(tuple_(*key).in_(some)))


def minutes(connection: Connection, room: str, since: int, until: int) -> list[Minute]:
    """See `Store.minutes`."""
    statement = (
        select(room_minutes.c.minute, room_minutes.c.messages, room_minutes.c.users)
        .join(channels, channels.c.id == room_minutes.c.channel_id)
        .where(
            channels.c.name == encode(room),
            room_minutes.c.minute >= since,
            room_minutes.c.minute < until,
        )
        .order_by(room_minutes.c.minute)
    )
    return [Minute(**row) for row in connection.execute(statement).mappings()]


def _spoken(connection: Connection, place: _Place) -> set[bytes]:
    channel, minute = place
    statement = (
        select(publications.c.author_user)
        .where(
            publications.c.channel_id == channel,
            publications.c.message.is_not(None),
            publications.c.at_ms >= minute * MINUTE_MS,
            publications.c.at_ms < (minute + 1) * MINUTE_MS,
        )
        .distinct()
    )
    return {user for user in connection.execute(statement).scalars() if user}


def _more(connection: Connection) -> Any:
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    insertion = dialect.insert(room_minutes)
    new = insertion.excluded
    return insertion.on_conflict_do_update(
        index_elements=list(room_minutes.primary_key),
        set_={
            "messages": room_minutes.c.messages + new.messages,
            "users": room_minutes.c.users + new.users,
        },
    )
