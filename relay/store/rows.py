"""Publications and channels as rows of a database, and back.

Text is kept as bytes.  PostgreSQL takes no NUL in a text, neither engine takes a lone surrogate,
and every collation has its own idea of order; one user with an odd name would spoil the batch of
everybody else.  As bytes, any `str` comes back as it was, and both engines sort as Python does.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from relay.publication import Author, Moment, Publication
from relay.store.contract import ChannelRecord, ProducerMark

Row = dict[str, Any]
"""Parameters of a statement, by name."""
Found = Mapping[Any, Any]
"""What a statement has found, by column."""


def encode(text: str) -> bytes:
    """Any text; the order of the bytes is the order of the texts."""
    return text.encode("utf-8", "surrogatepass")


def decode(data: bytes) -> str:
    """What `encode` was given."""
    return data.decode("utf-8", "surrogatepass")


def publication_row(channel: bytes, publication: Publication) -> Row:
    """A row of `publications`; the channel goes by its name."""
    author, moment = publication.author, publication.moment
    return {
        "channel": channel,
        "offset": publication.offset,
        "data": publication.data,
        "at_ms": publication.at_ms,
        "author_user": None if author is None else encode(author.user),
        "author_client": None if author is None else encode(author.client),
        "author_info": None if author is None else author.info,
        "tags": json.dumps(publication.tags).encode() if publication.tags else None,
        "session": None if moment is None else encode(moment.session),
        "media_ms": None if moment is None else moment.media_ms,
        "message": message_id(publication.message) if publication.message else None,
    }


def publication(row: Found) -> Publication:
    """The reverse of `publication_row`."""
    return Publication(
        offset=row["offset"],
        data=row["data"],
        at_ms=row["at_ms"],
        author=_author(row),
        tags=_tags(row["tags"]),
        moment=_moment(row),
        message="" if row["message"] is None else str(UUID(bytes=row["message"])),
    )


def message_id(text: str) -> bytes:
    """The sixteen bytes of a UUID; of something else, some that are nobody's."""
    try:
        return UUID(text).bytes
    except ValueError:
        return b""


def channel_row(record: ChannelRecord) -> Row:
    """A row of `channels`."""
    return {
        "name": encode(record.name),
        "epoch": encode(record.epoch),
        "content_type": encode(record.content_type),
        "created_ms": record.created_ms,
        "first_offset": record.first_offset,
        "last_offset": record.last_offset,
        "is_closed": record.is_closed,
        "ttl_s": record.ttl_s,
        "expires_ms": record.expires_ms,
        "stream_seq": b"",
    }


def channel(row: Found) -> ChannelRecord:
    """The reverse of `channel_row`."""
    return ChannelRecord(
        name=decode(row["name"]),
        epoch=decode(row["epoch"]),
        content_type=decode(row["content_type"]),
        created_ms=row["created_ms"],
        first_offset=row["first_offset"],
        last_offset=row["last_offset"],
        is_closed=row["is_closed"],
        ttl_s=row["ttl_s"],
        expires_ms=row["expires_ms"],
    )


def producer(row: Found) -> ProducerMark:
    """From a row of `producers`."""
    return ProducerMark(
        producer=decode(row["producer"]), epoch=row["producer_epoch"], seq=row["producer_seq"]
    )


def _author(row: Found) -> Author | None:
    if row["author_user"] is None:
        return None
    return Author(decode(row["author_user"]), decode(row["author_client"]), row["author_info"])


def _tags(data: bytes | None) -> tuple[tuple[str, str], ...]:
    return () if data is None else tuple((name, value) for name, value in json.loads(data))


def _moment(row: Found) -> Moment | None:
    return None if row["session"] is None else Moment(decode(row["session"]), row["media_ms"])
