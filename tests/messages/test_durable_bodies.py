"""Appends taken apart into messages, and messages joined into answers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import FormatError
from relay.messages.durable_bodies import MESSAGES, join_body, split_body

JSON = "application/json"

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (b"", ()),
        (b"[]", ()),
        (b" [ \r\n ] ", ()),
        (b'{"event":"created"}', (b'{"event":"created"}',)),
        (b'[{"event":"a"},{"event":"b"}]', (b'{"event":"a"}', b'{"event":"b"}')),
        (b"[[1,2], [3,4]]", (b"[1,2]", b"[3,4]")),
        (b"[[[1,2,3]]]", (b"[[1,2,3]]",)),
        (b'[1 , "two",null\n,true]', (b"1", b'"two"', b"null", b"true")),
        (b' "text" ', (b'"text"',)),
        # As it was written: digits, keys, escapes.
        (b"[1.0e400, 0.10000000000000000001]", (b"1.0e400", b"0.10000000000000000001")),
        (b'{"a":1,"a":2}', (b'{"a":1,"a":2}',)),
        (b'"\\ud800"', (b'"\\ud800"',)),
        (b'"\xe2\x80\xa8"', (b'"\xe2\x80\xa8"',)),
        # One message is one line.
        (b'{\r\n  "a":\n 1\r}', (b'{    "a":  1 }',)),
    ],
)
def test_json_is_taken_apart_one_level_deep(body: bytes, messages: tuple[bytes, ...]) -> None:
    assert split_body(body, JSON) == messages


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[1",
        b"[1,",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"[1]]",
        b"[1] 2",
        b"1 2",
        b" ",
        b"nul",
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"{'a':1}",
        b'{"a":1,}',
        b'"a\nb"',
        b'"a',
        b"01",
        b"1.",
        b"+1",
        b"\xff",
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf1",
        b"1\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" + b"[" * 100_000,
        b"[" + b"1," * MESSAGES + b"1]",
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(FormatError):
        split_body(body, JSON)


@given(st.lists(VALUES))
def test_what_is_joined_is_what_was_taken_apart(values: list[object]) -> None:
    for indent in (None, 2):
        messages = split_body(json.dumps(values, indent=indent).encode(), JSON)
        assert len(messages) == len(values)
        assert json.loads(join_body(messages, JSON)) == values
        assert not any(b"\n" in message or b"\r" in message for message in messages)


@given(st.binary())
def test_any_bytes_are_messages_or_refused(body: bytes) -> None:
    try:
        messages = split_body(body, JSON)
    except FormatError:
        return
    json.loads(join_body(messages, JSON))


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream"])
def test_bytes_stay_what_they_are(content_type: str) -> None:
    body = bytes(range(256)) + b"[1,2]"
    assert split_body(body, content_type) == (body,)
    assert split_body(b"", content_type) == ()
    assert join_body((body, b"", b"\x00"), content_type) == body + b"\x00"


def test_an_answer_in_json_is_always_an_array() -> None:
    assert join_body((), "application/json; charset=utf-8") == b"[]"
    assert join_body((b"1", b"[2]"), JSON) == b"[1,[2]]"
