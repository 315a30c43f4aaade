"""Durable Streams as server-sent events (PROTOCOL.md, 5.8): `data`, and `control` behind it."""

from collections.abc import Sequence

import attrs

from relay.messages import sse
from relay.messages.content_types import as_text
from relay.messages.durable_bodies import join_body
from relay.messages.durable_offsets import format_offset, next_cursor
from relay.publication import Author, Position, Publication


@attrs.frozen(kw_only=True)
class Control:
    """Where a reader stands after the data before it."""

    offset: str
    """To come back with."""
    cursor: int | None
    """None where the stream has been closed, and nobody needs to come back."""
    is_up_to_date: bool
    """Whether that was everything there was."""

    def encode(self) -> bytes:
        # Written for each message, and nothing in it needs an escape.
        cursor = "" if self.cursor is None else f',"streamCursor":"{self.cursor}"'
        caught_up = ',"upToDate":true' if self.is_up_to_date else ""
        closed = ',"streamClosed":true' if self.cursor is None else ""
        fields = f'"streamNextOffset":"{self.offset}"{cursor}{caught_up}{closed}'
        return f"event: control\ndata:{{{fields}}}\n\n".encode()


def encode_data(messages: Sequence[bytes], content_type: str) -> bytes:
    """One `data` event with all of these messages; nothing for none."""
    if not messages:
        return b""
    return sse.event(as_text(join_body(messages, content_type), content_type), name="data")


@attrs.frozen
class DurableEvents:
    """A channel as all who follow it get it: encoded once.  Equal ones share a feed."""

    content_type: str
    least_cursor: int | None
    """What the cursors of this feed do not fall below; None for the time's own."""

    @property
    def name(self) -> str:
        return "durable"

    def publication(self, channel: str, epoch: str, publication: Publication) -> bytes:
        """Data, and where a reader stands with it: at the end, when this was written."""
        control = Control(
            offset=format_offset(Position(epoch, publication.offset)),
            cursor=max(self.least_cursor or 0, next_cursor(None, publication.at_ms / 1000)),
            is_up_to_date=True,
        )
        return encode_data((publication.data,), self.content_type) + control.encode()

    def signal(self, channel: str, publication: Publication) -> bytes:
        return b""

    def joined(self, channel: str, who: Author) -> bytes:
        return b""

    def left(self, channel: str, who: Author) -> bytes:
        return b""

    def closed(self, channel: str, position: Position) -> bytes:
        return Control(offset=format_offset(position), cursor=None, is_up_to_date=True).encode()
