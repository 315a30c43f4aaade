"""Feeds, as others' readers read them: `feedparser`, and the standard library's XML parser."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.subscribing import BEGAN_MS, SOURCE, event

from relay.notify.events import Event
from relay.notify.session_events import EventType
from relay.notify.websub.feed import CONTENT_TYPE, MOST_ENTRIES, Feed, feed_of
from relay.notify.websub.topics import Topic

TOPIC = Topic("https://relay.example", "live/cat")
ATOM, CE = "{http://www.w3.org/2005/Atom}", "{http://cloudevents.io/xmlformat/V1}"
ONLINE, UPDATED, OFFLINE = EventType.ONLINE, EventType.UPDATED, EventType.OFFLINE
ENDED: dict[str, Any] = {"duration_s": 4500, "peak_viewers": 120, "total_viewers": 431}


def feed(*oldest_first: Event, topic: Topic = TOPIC) -> Feed:
    return feed_of(topic, [it.stored for it in reversed(oldest_first)], source=SOURCE)


def read(it: Feed) -> Any:
    """As a reader of feeds reads it, who finds nothing wrong with it."""
    parsed = feedparser.parse(it.body, response_headers={"content-type": CONTENT_TYPE})
    assert not parsed.bozo, parsed
    assert parsed.version == "atom10"
    return parsed


def entries(it: Feed) -> Sequence[ET.Element]:
    return ET.fromstring(it.body).findall(f"{ATOM}entry")


def events_of(entry: ET.Element) -> list[str]:
    return [each.findtext(f"{CE}id", "") for each in entry.findall(f"{CE}event")]


def test_a_feed_without_a_broadcast_says_whose_it_is() -> None:
    parsed = read(feed())
    assert parsed.feed.title == parsed.feed.author == "cat"
    assert parsed.entries == []
    assert {(link.rel, link.href) for link in parsed.feed.links} == {
        ("self", "https://relay.example/live/cat.atom"),
        ("hub", "https://relay.example/websub/hub"),
        ("alternate", "https://relay.example/watch/live/cat"),
    }
    assert feed().updated_ms is None


def test_a_broadcast_on_air_is_an_entry() -> None:
    it = feed(event(ONLINE, 1, at_ms=BEGAN_MS + 3000, category="pets & more"))
    parsed = read(it)
    (entry,) = parsed.entries
    assert (entry.title, entry.summary, entry.link) == ("Cats", "On air.", TOPIC.page)
    assert (entry.published, entry.updated) == (
        "2023-11-14T22:13:20.000Z",
        "2023-11-14T22:13:23.000Z",
    )
    assert [tag.term for tag in entry.tags] == ["pets & more"]
    assert parsed.feed.updated == entry.updated
    assert it.updated_ms == BEGAN_MS + 3000


def test_an_entry_says_what_the_newest_event_says_and_carries_all_of_them() -> None:
    it = feed(
        event(ONLINE, 1, at_ms=BEGAN_MS + 3000),
        event(UPDATED, 2, at_ms=BEGAN_MS + 60_000, title="Kittens"),
        event(OFFLINE, 3, at_ms=BEGAN_MS + 4_500_000, title="Kittens", **ENDED),
    )
    (parsed,) = read(it).entries
    assert parsed.title == "Kittens"
    assert parsed.summary == "Was on air for 75 min; 431 came to watch, 120 at once."
    (entry,) = entries(it)
    assert events_of(entry) == ["evt_3", "evt_2", "evt_1"]
    newest = entry.find(f"{CE}event")
    assert newest is not None
    assert newest.get("specversion") == "1.0"
    assert {each.tag.removeprefix(CE): each.text for each in newest} == {
        "id": "evt_3",
        "source": SOURCE,
        "type": "stream.offline",
        "subject": "live/cat",
        "time": "2023-11-14T23:28:20.000Z",
    }


def test_an_entry_keeps_its_id_and_every_session_has_one_of_its_own() -> None:
    first = event(ONLINE, 1)
    ended = event(OFFLINE, 2, at_ms=BEGAN_MS + 9000, **ENDED)
    again = event(ONLINE, 3, at_ms=BEGAN_MS + 99_000, session="s-2")
    (before,) = read(feed(first)).entries
    newer, after = read(feed(first, ended, again)).entries
    assert before.id == after.id != newer.id
    assert before.id.startswith("urn:uuid:")
    # Nor does it depend on how the server is called.
    elsewhere = read(feed(first, topic=Topic("http://other.example", "live/cat")))
    assert elsewhere.entries[0].id == before.id
    assert elsewhere.feed.id == read(feed()).feed.id
    assert elsewhere.feed.id != read(feed(topic=Topic("http://other.example", "live/dog"))).feed.id


def test_an_end_in_the_millisecond_of_something_else_is_the_end() -> None:
    both = (event(OFFLINE, 1, at_ms=BEGAN_MS, **ENDED), event(UPDATED, 2, at_ms=BEGAN_MS))
    for order in (both, both[::-1]):
        assert read(feed(*order)).entries[0].summary.startswith("Was on air")


def test_what_was_forgotten_of_a_session_leaves_an_entry_for_the_rest() -> None:
    (entry,) = read(feed(event(OFFLINE, 2, at_ms=BEGAN_MS + 9000, **ENDED))).entries
    assert entry.published == "2023-11-14T22:13:20.000Z"


def test_what_is_said_of_a_stream_off_air_is_in_no_entry() -> None:
    assert read(feed(event(UPDATED, 1, session=None))).entries == []


def test_a_feed_has_the_newest_sessions_and_no_more() -> None:
    it = feed(*(event(ONLINE, n, at_ms=BEGAN_MS + n, session=f"s-{n}") for n in range(50)))
    assert [events_of(entry) for entry in entries(it)] == [
        [f"evt_{n}"] for n in range(49, 49 - MOST_ENTRIES, -1)
    ]


def test_the_same_events_make_the_same_bytes() -> None:
    happened = (event(ONLINE, 1), event(OFFLINE, 2, at_ms=BEGAN_MS + 9000, **ENDED))
    assert feed(*happened).body == feed(*happened).body


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "]]><!--",
        "&lt;&#0;&",
        "\"'=<>",
        " Cats ",
        "\U0001f408 \u00e4\u4e2d",
        "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]>&b;",
    ],
)
def test_markup_in_a_title_is_text(text: str) -> None:
    (entry,) = entries(feed(event(ONLINE, 1, title=text, category=text)))
    assert entry.findtext(f"{ATOM}title") == text
    category = entry.find(f"{ATOM}category")
    assert category is not None
    assert category.get("term") == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_whatever_a_title_is_the_feed_can_be_read(text: str) -> None:
    (entry,) = entries(feed(event(ONLINE, 1, title=text, category=text)))
    title = entry.findtext(f"{ATOM}title", "")
    assert len(title) == len(text or "cat")


@pytest.mark.parametrize("character", "\x00\x08\x0b\x1f\ufffe\uffff")
def test_what_xml_cannot_hold_is_replaced(character: str) -> None:
    (entry,) = entries(feed(event(ONLINE, 1, title=f"a{character}b")))
    assert entry.findtext(f"{ATOM}title") == "a\ufffdb"
