"""A channel as plain server-sent events: one for each publication, with its position for an id.

A reader that comes back says the id that it saw last, and gets what it has missed.  Where that
cannot be known it gets a `reset`: an event that says why, and from which position things go on.
"""

import json

import attrs

from relay.errors import FormatError
from relay.messages import sse
from relay.messages.content_types import as_text
from relay.publication import Author, Position, Publication

OFFSET_DIGITS = 18


def format_id(position: Position) -> str:
    """The id of an event."""
    return f"{position.epoch}:{position.offset}"


def parse_id(text: str) -> Position:
    """Where a reader stands by the id that it saw last.

    Raises:
        FormatError: no event of ours has this id.
    """
    epoch, colon, offset = text.rpartition(":")
    if not (colon and epoch and offset.isascii() and offset.isdecimal()):
        raise FormatError("the event id is malformed")
    if len(offset) > OFFSET_DIGITS:
        raise FormatError("the event id is malformed")
    return Position(epoch, int(offset))


def opening(position: Position, retry_ms: int) -> bytes:
    """How soon to come back, and with which id, also when no event comes before that."""
    return sse.retry(retry_ms) + sse.place(format_id(position))


def reset(position: Position, why: str) -> bytes:
    """Something may be missing, and what follows goes on behind `position`."""
    return _told("reset", position, reason=why)


def state(position: Position, value: bytes) -> bytes:
    """What the channel is about, as JSON, as it is at `position`."""
    return sse.event(value, name="state", event_id=format_id(position))


@attrs.frozen
class PlainEvents:
    """Equal ones share a feed."""

    content_type: str

    @property
    def name(self) -> str:
        return "sse"

    def publication(self, channel: str, epoch: str, publication: Publication) -> bytes:
        position = Position(epoch, publication.offset)
        data = as_text(publication.data, self.content_type)
        return sse.event(data, event_id=format_id(position))

    def signal(self, channel: str, publication: Publication) -> bytes:
        return b""

    def joined(self, channel: str, who: Author) -> bytes:
        return b""

    def left(self, channel: str, who: Author) -> bytes:
        return b""

    def closed(self, channel: str, position: Position) -> bytes:
        return _told("closed", position)


def _told(name: str, position: Position, **more: str) -> bytes:
    fields = more | {"epoch": position.epoch, "offset": position.offset}
    data = json.dumps(fields, separators=(",", ":")).encode()
    return sse.event(data, name=name, event_id=format_id(position))
