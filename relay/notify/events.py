"""One event, ready to be told: who is told of it, and what is remembered with it."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import msgspec

from relay.notify.cloud_events import encode, timestamp
from relay.notify.session_events import Airing, EventType, Notice
from relay.store.contract import Change
from relay.store.outbox import PutAiring, PutEvent, StoredEvent


@attrs.frozen(kw_only=True)
class Described:
    """What is said of a stream."""

    title: str | None
    category: str | None
    picture: str | None = None
    """Its address."""
    user: str | None
    """Whose it is."""
    is_listed: bool
    """Whether others than those who know its address may hear of it."""


@attrs.frozen(kw_only=True)
class Event:
    """See the head of this module."""

    stored: StoredEvent
    channels: tuple[str, ...]
    """Where it is published."""
    is_listed: bool
    """Whether those may hear of it who have not asked for this stream by its address."""
    airing: Airing | None
    beside: tuple[Change, ...] = ()
    """What the store is to keep with it."""

    def changes(self, endpoints: tuple[str, ...]) -> Sequence[Change]:
        """What the store is to keep, all of it or nothing."""
        return (*self.beside, PutEvent(self.stored, endpoints))


def event_of(notice: Notice, stream: str, said: Described, *, event_id: str, source: str) -> Event:
    """The event that announces a notice."""
    data = dict(notice.data)
    if (since_ms := data.pop("since_ms")) is not None:
        data["since"] = timestamp(since_ms)
    airing = None if notice.airing is None else stored_airing(notice.airing)
    event = stream_event(
        notice.type, stream, said, data, at_ms=notice.at_ms, event_id=event_id, source=source
    )
    return attrs.evolve(event, airing=notice.airing, beside=(PutAiring(stream, airing),))


def stream_event(
    type_: EventType,
    stream: str,
    said: Described,
    more: Mapping[str, Any],
    *,
    at_ms: int,
    event_id: str,
    source: str,
) -> Event:
    """An event about a stream: what is said of the stream, and `more`."""
    app, _, name = stream.partition("/")
    data: dict[str, Any] = {
        "app": app,
        "name": name,
        "user": said.user,
        "title": said.title,
        "category": said.category,
        "picture": said.picture,
        **more,
    }
    body = encode(
        event_id=event_id,
        type_=type_.value,
        source=source,
        subject=stream,
        at_ms=at_ms,
        data=data,
    )
    own = f"stream:{stream}"
    return Event(
        stored=StoredEvent(id=event_id, at_ms=at_ms, stream=stream, type=type_.value, body=body),
        channels=(own, "streams") if said.is_listed else (own,),
        is_listed=said.is_listed,
        airing=None,
    )


def stored_airing(airing: Airing) -> bytes:
    """As the store keeps it."""
    return msgspec.json.encode(attrs.asdict(airing))


def restored_airing(data: bytes) -> Airing:
    """The reverse.

    Raises:
        msgspec.DecodeError: these bytes are none.
    """
    return msgspec.json.decode(data, type=Airing)
