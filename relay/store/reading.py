"""What is asked of a database.  Everything here runs in a thread, in one transaction's snapshot."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from relay.publication import Publication
from relay.store import rows
from relay.store.contract import Loaded, ProducerMark
from relay.store.tables import channels, details, keys, producers, publications


def load(connection: Connection, name: str, keys_since_ms: int, latest: int) -> Loaded | None:
    """See `Store.load`."""
    found = connection.execute(select(channels).where(channels.c.name == rows.encode(name)))
    row = found.mappings().one_or_none()
    if row is None:
        return None
    return Loaded(
        record=rows.channel(row),
        producers=_producers(connection, row["id"]),
        stream_seq=rows.decode(row["stream_seq"]),
        keys=_keys(connection, row["id"], keys_since_ms),
        latest=tuple(read(connection, name, 0, latest, newest_first=True)[::-1]),
    )


def read(
    connection: Connection, name: str, after: int, limit: int, *, newest_first: bool
) -> list[Publication]:
    """See `Store.read`."""
    stands = select(channels.c.id, channels.c.first_offset)
    channel = connection.execute(stands.where(channels.c.name == rows.encode(name))).one_or_none()
    if channel is None:
        return []
    lowest = channel.first_offset - 1
    statement = select(publications).where(publications.c.channel_id == channel.id).limit(limit)
    statement = (
        _backwards(statement, after, lowest)
        if newest_first
        # One bound below, and not two: SQLite would go by either of them.
        else _forwards(statement, max(after, lowest))
    )
    return [rows.publication(row) for row in connection.execute(statement).mappings()]


def names(connection: Connection, prefix: str) -> list[str]:
    """See `Store.names`."""
    start = rows.encode(prefix)
    statement = select(channels.c.name).where(channels.c.name >= start).order_by(channels.c.name)
    if (end := _after_all(start)) is not None:
        statement = statement.where(channels.c.name < end)
    return [rows.decode(name) for name in connection.execute(statement).scalars()]


def expired(connection: Connection, now_ms: int) -> list[str]:
    """See `Store.expired`."""
    statement = select(channels.c.name).where(channels.c.expires_ms <= now_ms)
    found = connection.execute(statement.order_by(channels.c.expires_ms, channels.c.name))
    return [rows.decode(name) for name in found.scalars()]


def said_of_streams(connection: Connection) -> dict[str, bytes]:
    """See `Store.details`."""
    found: Sequence[Any] = connection.execute(select(details)).all()
    return {rows.decode(stream): value for stream, value in found}


def _forwards(statement: Select[Any], after: int) -> Select[Any]:
    offset = publications.c.offset
    return statement.where(offset > after).order_by(offset)


def _backwards(statement: Select[Any], before: int, after: int) -> Select[Any]:
    offset = publications.c.offset
    statement = statement.where(offset > after).order_by(offset.desc())
    return statement.where(offset < before) if before else statement


def _producers(connection: Connection, channel_id: int) -> tuple[ProducerMark, ...]:
    statement = select(producers).where(producers.c.channel_id == channel_id)
    found = connection.execute(statement.order_by(producers.c.producer))
    return tuple(rows.producer(row) for row in found.mappings())


def _keys(connection: Connection, channel_id: int, since_ms: int) -> tuple[tuple[str, int], ...]:
    statement = select(keys.c.key, keys.c.offset).where(
        keys.c.channel_id == channel_id, keys.c.at_ms >= since_ms
    )
    found: Sequence[Any] = connection.execute(statement.order_by(keys.c.offset)).all()
    return tuple((rows.decode(key), offset) for key, offset in found)


def _after_all(prefix: bytes) -> bytes | None:
    """The first of all bytes that come after everything with this prefix; UTF-8 has no 0xFF."""
    return prefix[:-1] + bytes([prefix[-1] + 1]) if prefix else None
