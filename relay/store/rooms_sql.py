"""Rooms in a database: the changes, and the questions.  Everything here runs in a thread."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from relay.publication import Publication
from relay.store import rows, words_sql
from relay.store.rooms import (
    UNREAD_MOST,
    DropMarker,
    DropReaction,
    DropReactions,
    DropRoom,
    Marker,
    MessagePage,
    MoveMarker,
    PutReaction,
    PutRoom,
    Reaction,
    Reactions,
    Rewrite,
    RoomChange,
)
from relay.store.rooms_tables import markers, reactions, rooms
from relay.store.rows import Found, Row, decode, encode
from relay.store.tables import channels, publications

_is_message = publications.c.message.is_not(None)


def execute(connection: Connection, change: RoomChange) -> None:
    """Make one change in the connection's transaction."""
    match change:
        case Rewrite():
            _rewrite(connection, change)
        case PutRoom(room, value):
            connection.execute(delete(rooms).where(rooms.c.room == encode(room)))
            connection.execute(insert(rooms).values(room=encode(room), value=value))
        case DropRoom(room):
            connection.execute(delete(rooms).where(rooms.c.room == encode(room)))
            connection.execute(delete(markers).where(markers.c.room == encode(room)))
        case MoveMarker():
            _move(connection, change)
        case DropMarker(user, room):
            mark = markers.c.user == encode(user), markers.c.room == encode(room)
            connection.execute(delete(markers).where(*mark))
        case PutReaction():
            _react(connection, change)
        case DropReaction(room=room, offset=offset):
            which = reactions.c.reaction == encode(change.reaction)
            whose = reactions.c.user == encode(change.user)
            connection.execute(delete(reactions).where(*_to(room, offset), which, whose))
        case DropReactions(room, offset):
            connection.execute(delete(reactions).where(*_to(room, offset)))


def said_of_rooms(connection: Connection) -> dict[str, bytes]:
    """See `Store.rooms`."""
    found: Collection[Any] = connection.execute(select(rooms)).all()
    return {decode(room): value for room, value in found}


def find(connection: Connection, room: str, message: str) -> Publication | None:
    """See `Store.message`."""
    statement = _messages(room).where(publications.c.message == rows.message_id(message))
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else rows.publication(row)


def page(
    connection: Connection, room: str, after: int, limit: int, *, newest_first: bool, user: str
) -> MessagePage | None:
    """See `Store.messages`."""
    channel = connection.execute(
        select(channels).where(channels.c.name == encode(room))
    ).one_or_none()
    if channel is None:
        return None
    offset = publications.c.offset
    statement = select(publications).where(publications.c.channel_id == channel.id, _is_message)
    # One bound below, and not two: SQLite would go by either of them.
    above = channel.first_offset - 1 if newest_first else max(after, channel.first_offset - 1)
    statement = statement.where(offset > above)
    if newest_first and after:
        statement = statement.where(offset < after)
    statement = statement.order_by(offset.desc() if newest_first else offset).limit(limit)
    found = [rows.publication(row) for row in connection.execute(statement).mappings()]
    return MessagePage(
        epoch=decode(channel.epoch),
        last_offset=channel.last_offset,
        messages=tuple(found),
        reactions=counts(connection, room, [one.offset for one in found], user),
    )


def offset_at(connection: Connection, room: str, at_ms: int) -> int | None:
    """See `Store.offset_at`."""
    statement = (
        select(publications.c.offset)
        .where(
            publications.c.channel_id == _id_of(room),
            _is_message,
            publications.c.at_ms >= at_ms,
            publications.c.offset >= _first_of(room),
        )
        .order_by(publications.c.at_ms, publications.c.offset)
        .limit(1)
    )
    return connection.execute(statement).scalar()


def counts(connection: Connection, room: str, offsets: Collection[int], user: str) -> Reactions:
    """See `Store.reactions`."""
    if not offsets:
        return {}
    mine = func.max(case((reactions.c.user == encode(user), 1), else_=0))
    statement = (
        select(reactions.c.offset, reactions.c.reaction, func.count(), mine)
        .where(reactions.c.channel_id == _id_of(room), reactions.c.offset.in_(offsets))
        .group_by(reactions.c.offset, reactions.c.reaction)
        .order_by(reactions.c.offset, reactions.c.reaction)
    )
    found: dict[int, tuple[Reaction, ...]] = {}
    for offset, reaction, count, is_mine in connection.execute(statement):
        one = Reaction(decode(reaction), count, bool(is_mine))
        found[offset] = (*found.get(offset, ()), one)
    return found


def marked(connection: Connection, user: str) -> list[str]:
    """See `Store.marked_rooms`."""
    statement = select(markers.c.room).where(markers.c.user == encode(user))
    return [
        decode(room) for room in connection.execute(statement.order_by(markers.c.room)).scalars()
    ]


def all_markers(connection: Connection, user: str) -> list[Marker]:
    """See `Store.markers`: one statement, however many rooms there are."""
    # In another incarnation of the channel, nothing has been read.
    read = case((markers.c.epoch == channels.c.epoch, markers.c.offset), else_=0)
    newer = (
        select(literal(1))
        .where(
            publications.c.channel_id == channels.c.id,
            _is_message,
            publications.c.is_tombstone.is_(None),
            publications.c.offset > read,
            publications.c.offset >= channels.c.first_offset,
            or_(publications.c.author_user.is_(None), publications.c.author_user != encode(user)),
        )
        .limit(UNREAD_MOST)
        .correlate(markers, channels)
        .subquery()
    )
    latest = (
        select(publications.c.at_ms)
        .where(publications.c.channel_id == channels.c.id, _is_message)
        .order_by(publications.c.offset.desc())
        .limit(1)
        .correlate(channels)
    )
    statement = (
        select(
            markers.c.room,
            read.label("read"),
            select(func.count()).select_from(newer).scalar_subquery().label("unread"),
            latest.scalar_subquery().label("last_ms"),
        )
        .select_from(markers.outerjoin(channels, channels.c.name == markers.c.room))
        .where(markers.c.user == encode(user))
        .order_by(markers.c.room)
    )
    return [
        Marker(room=decode(row.room), offset=row.read, unread=row.unread, last_ms=row.last_ms)
        for row in connection.execute(statement)
    ]


def _rewrite(connection: Connection, change: Rewrite) -> None:
    which = (
        publications.c.channel_id == _id_of(change.channel),
        publications.c.offset == change.offset,
    )
    said = select(*words_sql.SAID).where(*which, _is_message)
    before = connection.execute(said).mappings().all()
    words_sql.remove(connection, before)
    values: dict[str, Any] = {"data": change.data}
    if change.is_tombstone:
        values["is_tombstone"] = True
    else:
        words_sql.index(connection, [_said_now(row, change) for row in before])
    if change.is_nobodys:
        values |= dict.fromkeys(("author_user", "author_client", "author_info"))
    connection.execute(update(publications).where(*which).values(values))


def _said_now(row: Found, change: Rewrite) -> Row:
    author = None if change.is_nobodys else row["author_user"]
    return {**row, "data": change.data, "author_user": author}


def _move(connection: Connection, change: MoveMarker) -> None:
    row = {
        "user": encode(change.user),
        "room": encode(change.room),
        "epoch": encode(change.epoch),
        "offset": change.offset,
    }
    insertion = _dialect(connection).insert(markers).values(row)
    new = insertion.excluded
    is_further = and_(markers.c.epoch == new.epoch, markers.c.offset > new.offset)
    moved = case((is_further, markers.c.offset), else_=new.offset)
    connection.execute(
        insertion.on_conflict_do_update(
            index_elements=list(markers.primary_key), set_={"epoch": new.epoch, "offset": moved}
        )
    )


def _react(connection: Connection, change: PutReaction) -> None:
    values = literal(change.offset), literal(encode(change.reaction)), literal(encode(change.user))
    # Nothing where there is no such channel.
    rows_ = select(channels.c.id, *values).where(channels.c.name == encode(change.room))
    names = ["channel_id", "offset", "reaction", "user"]
    insertion = _dialect(connection).insert(reactions).from_select(names, rows_)
    connection.execute(insertion.on_conflict_do_nothing())


def _dialect(connection: Connection) -> Any:
    return postgresql if connection.dialect.name == "postgresql" else sqlite


def _messages(room: str) -> Select[Any]:
    return (
        select(publications)
        .join(channels, channels.c.id == publications.c.channel_id)
        .where(
            channels.c.name == encode(room),
            publications.c.offset >= channels.c.first_offset,
            _is_message,
        )
    )


def _to(room: str, offset: int) -> tuple[ColumnElement[bool], ...]:
    return reactions.c.channel_id == _id_of(room), reactions.c.offset == offset


def _id_of(room: str) -> Any:
    return select(channels.c.id).where(channels.c.name == encode(room)).scalar_subquery()


def _first_of(room: str) -> Any:
    return select(channels.c.first_offset).where(channels.c.name == encode(room)).scalar_subquery()
