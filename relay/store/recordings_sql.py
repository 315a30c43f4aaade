"""Recordings in a database: the changes, and the questions.  Everything here runs in a thread."""

from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select, update

from relay.store.recordings import (
    DropRecording,
    PutRecording,
    RecordingChange,
    StoredRecording,
    WishRecording,
)
from relay.store.recordings_tables import recording_wishes, recordings
from relay.store.rows import Found, Row, decode, encode


def execute(connection: Connection, change: RecordingChange) -> None:
    """Make one change in the connection's transaction."""
    match change:
        case PutRecording(recording):
            _put(connection, recording)
        case DropRecording(name):
            connection.execute(delete(recordings).where(recordings.c.id == encode(name)))
        case WishRecording(stream, is_wanted):
            of_stream = recording_wishes.c.stream == encode(stream)
            connection.execute(delete(recording_wishes).where(of_stream))
            if is_wanted is not None:
                row = {"stream": encode(stream), "is_wanted": is_wanted}
                connection.execute(insert(recording_wishes).values(row))


def find(connection: Connection, name: str) -> StoredRecording | None:
    """See `Store.recording`."""
    found = _recordings(connection, select(recordings).where(recordings.c.id == encode(name)))
    return found[0] if found else None


def page(
    connection: Connection, stream: str, owner: str, below: int, limit: int
) -> list[StoredRecording]:
    """See `Store.recordings`."""
    statement = select(recordings).order_by(recordings.c.number.desc()).limit(limit)
    if stream:
        statement = statement.where(recordings.c.stream == encode(stream))
    if owner:
        statement = statement.where(recordings.c.owner == encode(owner))
    if below:
        statement = statement.where(recordings.c.number < below)
    return _recordings(connection, statement)


def still_open(connection: Connection) -> list[StoredRecording]:
    """See `Store.open_recordings`."""
    is_open = recordings.c.is_open.is_(True)
    return _recordings(connection, select(recordings).where(is_open).order_by(recordings.c.number))


def wishes(connection: Connection) -> dict[str, bool]:
    """See `Store.recording_wishes`."""
    found = connection.execute(select(recording_wishes)).mappings()
    return {decode(row["stream"]): row["is_wanted"] for row in found}


def _put(connection: Connection, recording: StoredRecording) -> None:
    row = _row(recording)
    of_id = recordings.c.id == row["id"]
    if not connection.execute(update(recordings).where(of_id).values(row)).rowcount:
        connection.execute(insert(recordings).values(row))


def _recordings(connection: Connection, statement: Select[Any]) -> list[StoredRecording]:
    return [_recording(row) for row in connection.execute(statement).mappings()]


def _row(recording: StoredRecording) -> Row:
    return {
        "id": encode(recording.id),
        "stream": encode(recording.stream),
        "owner": encode(recording.owner),
        "is_open": recording.is_open,
        "value": recording.value,
    }


def _recording(row: Found) -> StoredRecording:
    return StoredRecording(
        id=decode(row["id"]),
        stream=decode(row["stream"]),
        owner=decode(row["owner"]),
        is_open=row["is_open"],
        value=row["value"],
        number=row["number"],
    )
