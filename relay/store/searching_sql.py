"""Messages found in a database.  Everything here runs in a thread."""

from typing import Any

import attrs
from sqlalchemy import Connection, Row, Select, and_, or_, select

from relay.store import rooms_sql, rows, words_sql
from relay.store.rooms import MessagePage
from relay.store.rows import decode, encode
from relay.store.searching import Span
from relay.store.tables import channels, publications
from relay.store.words import Wanted, beside

_is_message = publications.c.message.is_not(None)


def search(
    connection: Connection,
    room: str,
    wanted: Wanted,
    after: int,
    limit: int,
    *,
    newest_first: bool,
    user: str,
) -> MessagePage | None:
    """See `Store.search`."""
    channel = _channel(connection, room)
    if channel is None:
        return None
    wanted = beside(wanted, channel.first_offset - 1, newest_first=False)
    kept = beside(wanted, after, newest_first=newest_first)
    statement = words_sql.found(connection, channel.id, kept, newest_first=newest_first)
    page = _page(connection, channel, statement.limit(limit))
    offsets = [one.offset for one in page.messages]
    return attrs.evolve(page, reactions=rooms_sql.counts(connection, room, offsets, user))


def spoken(connection: Connection, room: str, span: Span, limit: int) -> MessagePage | None:
    """See `Store.spoken`."""
    channel = _channel(connection, room)
    if channel is None:
        return None
    media, offset = publications.c.media_ms, publications.c.offset
    statement = _of_session(channel, span.session).where(media < span.to_ms)
    if span.after is None:
        statement = statement.where(media >= span.from_ms)
    else:
        at_ms = span.after.media_ms
        behind = or_(media > at_ms, and_(media == at_ms, offset > span.after.offset))
        statement = statement.where(media >= at_ms, behind)
    return _page(connection, channel, statement.order_by(media, offset).limit(limit))


def spoken_at(connection: Connection, room: str, session: str, media_ms: int) -> int | None:
    """See `Store.spoken_at`."""
    channel = _channel(connection, room)
    if channel is None:
        return None
    media = publications.c.media_ms
    statement = _of_session(channel, session).where(media >= media_ms)
    found = connection.execute(statement.order_by(media, publications.c.offset).limit(1))
    row = found.mappings().one_or_none()
    return None if row is None else int(row["offset"])


def _channel(connection: Connection, room: str) -> Any:
    """Its row; None where there is none."""
    columns = channels.c.id, channels.c.epoch, channels.c.first_offset, channels.c.last_offset
    return connection.execute(select(*columns).where(channels.c.name == encode(room))).one_or_none()


def _of_session(channel: Row[Any], session: str) -> Select[Any]:
    return select(publications).where(
        publications.c.channel_id == channel.id,
        publications.c.session == encode(session),
        publications.c.offset >= channel.first_offset,
        _is_message,
    )


def _page(connection: Connection, channel: Row[Any], statement: Select[Any]) -> MessagePage:
    found = tuple(rows.publication(row) for row in connection.execute(statement).mappings())
    return MessagePage(
        epoch=decode(channel.epoch),
        last_offset=channel.last_offset,
        messages=found,
        reactions={},
    )
