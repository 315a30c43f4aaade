"""What a push says, and what it says when there is too much to say."""

import json
from typing import Any

import pytest

from relay.notify.cloud_events import encode
from relay.notify.push.encryption import MOST_BYTES
from relay.notify.push.message import short_text_of, text_of, topic_of
from relay.store.outbox import StoredEvent


def online(**said: Any) -> StoredEvent:
    data = {
        "app": "live",
        "name": "cat",
        "user": "u-1",
        "title": None,
        "category": None,
        "picture": None,
        "session": "s",
        "since": "2023-11-14T22:13:20.000Z",
        **said,
    }
    stream = f"live/{data['name']}"
    body = encode(
        event_id="evt_1", type_="stream.online", source="/relay", subject=stream, at_ms=0, data=data
    )
    return StoredEvent(id="evt_1", at_ms=0, stream=stream, type="stream.online", body=body)


def test_a_push_is_a_declarative_notification_and_names_the_event() -> None:
    assert json.loads(text_of(online(title="Two kittens", category="pets"))) == {
        "web_push": 8030,
        "notification": {
            "title": "cat is live",
            "body": "Two kittens",
            "navigate": "/watch/live/cat",
            "tag": "live/cat",
        },
        "id": "evt_1",
        "type": "stream.online",
        "stream": "live/cat",
        "since": "2023-11-14T22:13:20.000Z",
        "title": "Two kittens",
        "category": "pets",
    }


def test_of_what_nobody_has_said_nothing_is_there() -> None:
    text = json.loads(text_of(online()))
    assert not {"body", "icon"} & text["notification"].keys()
    assert not {"title", "category"} & text.keys()


def test_the_picture_of_a_stream_is_the_icon() -> None:
    picture = "https://img.example/cat.jpg"
    assert json.loads(text_of(online(picture=picture)))["notification"]["icon"] == picture


@pytest.mark.parametrize("title", ["x" * MOST_BYTES, '"' * 2000, "\N{CAT FACE}" * 1000])
def test_what_has_no_room_is_left_out_whole(title: str) -> None:
    event = online(title=title)
    assert text_of(event) == short_text_of(event)
    assert json.loads(text_of(event))["id"] == "evt_1"


def test_the_longest_names_and_titles_have_room() -> None:
    event = online(
        name="n" * 128, title='"' * 140, category='"' * 60, picture="https://a.example/" + "p" * 482
    )
    assert "body" in json.loads(text_of(event))["notification"]
    assert len(text_of(event)) <= MOST_BYTES
    assert len(short_text_of(event)) < 700


def test_a_topic_is_of_a_stream_and_fits_the_field() -> None:
    topic = topic_of("live/cat")
    assert topic == topic_of("live/cat")
    assert topic != topic_of("live/dog")
    assert 0 < len(topic) <= 32
    assert topic.replace("-", "").replace("_", "").isalnum()
