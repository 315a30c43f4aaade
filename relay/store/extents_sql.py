"""What a database keeps of each channel.  Everything here runs in a thread."""

from sqlalchemy import Connection, func, select

from relay.store.extents import Extent
from relay.store.rows import Found, decode, encode
from relay.store.tables import channels, publications

_lowest = (
    select(func.min(publications.c.offset))
    .where(publications.c.channel_id == channels.c.id)
    .correlate(channels)
    .scalar_subquery()
)
_extents = select(
    channels.c.name,
    channels.c.epoch,
    channels.c.first_offset,
    channels.c.last_offset,
    _lowest.label("lowest"),
)


def extents(connection: Connection, after: str, limit: int) -> list[Extent]:
    """See `Store.extents`."""
    statement = _extents.where(channels.c.name > encode(after)).order_by(channels.c.name)
    return [_extent(row) for row in connection.execute(statement.limit(limit)).mappings()]


def extent(connection: Connection, channel: str) -> Extent | None:
    """See `Store.extent`."""
    found = connection.execute(_extents.where(channels.c.name == encode(channel)))
    row = found.mappings().one_or_none()
    return None if row is None else _extent(row)


def outlived(connection: Connection, channel: str, before_ms: int, limit: int) -> int:
    """See `Store.outlived`."""
    named = select(channels.c.id, channels.c.first_offset).where(channels.c.name == encode(channel))
    row = connection.execute(named).one_or_none()
    if row is None:
        return 0
    first = int(row.first_offset)
    statement = (
        select(publications.c.offset, publications.c.at_ms)
        .where(publications.c.channel_id == row.id, publications.c.offset >= first)
        .order_by(publications.c.offset)
        .limit(limit)
    )
    for offset, at_ms in connection.execute(statement):
        if at_ms >= before_ms:
            break
        first = offset + 1
    return first


def _extent(row: Found) -> Extent:
    return Extent(
        channel=decode(row["name"]),
        epoch=decode(row["epoch"]),
        first_offset=row["first_offset"],
        last_offset=row["last_offset"],
        lowest=row["lowest"],
    )
