"""What clients send for a message, and what is refused of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.chat.message import Sent, change_of, read_sent, sent_of
from relay.errors import FormatError

MOST = 50
UUID = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
SENT: list[tuple[dict[str, Any], Sent]] = [
    ({"text": "hello"}, Sent(text="hello")),
    ({"type": "message", "text": "\u00e4"}, Sent(text="\u00e4")),
    ({"text": "a", "reply_to": UUID}, Sent(text="a", reply_to=UUID)),
    ({"text": "a", "mentions": ["ann"]}, Sent(text="a", mentions=("ann",))),
    ({"type": "typing"}, Sent(type="typing")),
]
BAD: list[Any] = [
    {},
    {"text": ""},
    {"text": 1},
    {"text": None},
    {"text": "x" * (MOST + 1)},
    {"text": "a", "type": "delete"},
    {"text": "a", "id": UUID},
    {"text": "a", "author": {"user": "bob"}},
    {"text": "a", "reply_to": "' OR 1=1 --"},
    {"text": "a", "reply_to": 7},
    {"text": "a", "mentions": "ann"},
    {"text": "a", "mentions": [1]},
    {"text": "a", "mentions": ["ann", "ann"]},
    {"text": "a\ud800"},
    {"text": "a", "mentions": ["\ud800"]},
]


@pytest.mark.parametrize(("value", "sent"), SENT)
def test_a_message_is_read_from_both_ways_alike(value: dict[str, Any], sent: Sent) -> None:
    assert sent_of(value, MOST) == sent
    assert read_sent(json.dumps(value).encode(), MOST) == sent


@pytest.mark.parametrize("value", BAD)
def test_what_is_none_is_refused_by_both(value: Any) -> None:
    with pytest.raises(FormatError):
        sent_of(value, MOST)
    with pytest.raises(FormatError):
        read_sent(json.dumps(value).encode(), MOST)


@pytest.mark.parametrize("data", [b"", b"1", b"[]", b"null", b'"a"', b"{", b"\xff", b"[" * 9999])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_sent(data, MOST)


@given(st.binary(max_size=60))
def test_whatever_comes_is_a_message_or_refused(data: bytes) -> None:
    try:
        read_sent(data, MOST)
    except FormatError:
        return
    assert json.loads(data)["text"] or json.loads(data)["type"] == "typing"


def test_a_change_has_a_text_and_mentions_and_nothing_else() -> None:
    assert change_of({"text": "a", "mentions": ["b"]}, MOST).mentions == ("b",)
    for bad in ({}, {"text": ""}, {"text": "a", "reply_to": UUID}, {"text": "a", "mentions": [""]}):
        with pytest.raises(FormatError):
            change_of(bad, MOST)
