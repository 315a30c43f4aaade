"""A stream's Atom feed (RFC 4287), made of what was announced of it: an entry for each session.

    events, newest first --> by session, the one with the newest event first --> entries

An entry says what the newest event of its session says, and carries all of them by their ids, in
CloudEvents' notation for XML: whoever is told by WebSub and by a webhook, too, knows what is the
same.  The id of the entry is the session's and never changes (RFC 4287, 4.2.6).

The same events make the same bytes, whenever and however often they are asked for: the feed as it
was with an event is sent to those who are told of it, also at the third attempt, hours later.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

import attrs
import msgspec

from relay.notify.cloud_events import timestamp
from relay.notify.session_events import EventType
from relay.notify.websub.topics import Topic
from relay.store.outbox import StoredEvent

CONTENT_TYPE = "application/atom+xml"
TYPES = (EventType.ONLINE.value, EventType.UPDATED.value, EventType.OFFLINE.value)
"""Of events that change a feed."""
MOST_EVENTS = 100
"""That a feed is made of, the newest."""
MOST_ENTRIES = 20

_ATOM = "http://www.w3.org/2005/Atom"
_MEDIA_RSS = "http://search.yahoo.com/mrss/"
_CLOUD_EVENTS = "http://cloudevents.io/xmlformat/V1"
_NO_CHARACTER = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, escaped or not (XML, 2.2); names and titles may."""


@attrs.frozen
class Feed:
    """One, as it is sent."""

    body: bytes
    updated_ms: int | None
    """When the newest of its events happened; None without any."""


@attrs.frozen(kw_only=True)
class _Data:
    """What an event says."""

    title: str | None
    category: str | None
    picture: str | None = None
    session: str | None
    since: str | None = None
    duration_s: int = 0
    peak_viewers: int = 0
    total_viewers: int = 0


@attrs.frozen(kw_only=True)
class _Told:
    """An event of a feed, as it was told elsewhere."""

    id: str
    type: str
    source: str
    subject: str
    time: str
    data: _Data

    @property
    def is_end(self) -> bool:
        return self.type == EventType.OFFLINE.value


def feed_of(topic: Topic, events: Sequence[StoredEvent], *, source: str) -> Feed:
    """The feed of a topic.

    Args:
        topic: whose, and where it and its hub are.
        events: of the stream, of `TYPES`, the newest first.
        source: where events of this server say they come from.
    """
    sessions: dict[str, list[_Told]] = {}
    for event in events:
        told = msgspec.json.decode(event.body, type=_Told)
        if told.data.session is not None:
            sessions.setdefault(told.data.session, []).append(told)
    updated_ms = events[0].at_ms if events else None
    feed = _head(topic, source, timestamp(updated_ms or 0))
    for session in list(sessions)[:MOST_ENTRIES]:
        _add_entry(feed, topic, session, sessions[session])
    return Feed(ET.tostring(feed, encoding="unicode").encode(), updated_ms)


def _head(topic: Topic, source: str, updated: str) -> ET.Element:
    # Prefixes are written as they stand here: ElementTree would make up its own.  Without a
    # declaration it is XML 1.0 in UTF-8 (XML, 4.3.3).
    feed = ET.Element(
        "feed", {"xmlns": _ATOM, "xmlns:ce": _CLOUD_EVENTS, "xmlns:media": _MEDIA_RSS}
    )
    _add(feed, "id", _id(source, topic.stream))
    _add(feed, "title", _name(topic))
    _add(feed, "updated", updated)
    _add(_add(feed, "author"), "name", _name(topic))
    _add(feed, "link", rel="self", type=CONTENT_TYPE, href=topic.url)
    _add(feed, "link", rel="hub", href=topic.hub)
    _add(feed, "link", rel="alternate", type="text/html", href=topic.page)
    return feed


def _add_entry(feed: ET.Element, topic: Topic, session: str, events: Sequence[_Told]) -> None:
    # What happened in one millisecond has no order; whatever ends a session is its end.
    newest = next((told for told in events if told.is_end), events[0])
    entry = _add(feed, "entry")
    _add(entry, "id", _id("session", session))
    _add(entry, "title", newest.data.title or _name(topic))
    _add(entry, "published", newest.data.since or newest.time)
    _add(entry, "updated", max(told.time for told in events))
    _add(entry, "link", rel="alternate", type="text/html", href=topic.page)
    if newest.data.category:
        _add(entry, "category", term=newest.data.category)
    if newest.data.picture:
        # Atom has no pictures of its own; this is what readers look for.
        _add(entry, "media:thumbnail", url=newest.data.picture)
    _add(entry, "summary", _summary(newest))
    for told in events:
        _add_event(entry, told)


def _add_event(entry: ET.Element, told: _Told) -> None:
    """As CloudEvents has it ("XML Event Format", 4), without what the entry says already."""
    event = _add(entry, "ce:event", specversion="1.0")
    for name in ("id", "source", "type", "subject", "time"):
        _add(event, f"ce:{name}", getattr(told, name))


def _summary(newest: _Told) -> str:
    if not newest.is_end:
        return "On air."
    data = newest.data
    return (
        f"Was on air for {max(1, round(data.duration_s / 60))} min; "
        f"{data.total_viewers} came to watch, {data.peak_viewers} at once."
    )


def _name(topic: Topic) -> str:
    return topic.stream.partition("/")[2]


def _id(*of: str) -> str:
    return uuid5(NAMESPACE_URL, "relay " + " ".join(of)).urn


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    plain = {name: _NO_CHARACTER.sub("\ufffd", value) for name, value in attributes.items()}
    element = ET.SubElement(parent, tag, plain)
    element.text = None if text is None else _NO_CHARACTER.sub("\ufffd", text)
    return element
