"""Server-sent events, written by us and read as browsers read them."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.durable import Event, read_events

from relay.errors import FormatError
from relay.messages import sse, sse_events
from relay.messages.durable_events import Control, DurableEvents, encode_data
from relay.messages.durable_offsets import CURSOR_EPOCH_S, INTERVAL_S
from relay.messages.sse_events import PlainEvents, format_id, parse_id
from relay.publication import Author, Position, Publication

HERE = Position("0a1b2c3d", 42)
JSON = "application/json"


@pytest.mark.parametrize(
    ("data", "name", "event_id", "written"),
    [
        (b"a", "", "", b"data:a\n\n"),
        (b"", "", "", b"data:\n\n"),
        (b" a", "", "", b"data:  a\n\n"),
        (b"{}", "control", "", b"event: control\ndata:{}\n\n"),
        (b"a", "x", "e:1", b"id: e:1\nevent: x\ndata:a\n\n"),
        (b"a\nb\r\nc\rd", "", "", b"data:a\ndata:b\ndata:c\ndata:d\n\n"),
        (b"a\n\nid: 9\n\n", "", "", b"data:a\ndata:\ndata:id: 9\ndata:\ndata:\n\n"),
    ],
)
def test_an_event_is_lines(data: bytes, name: str, event_id: str, written: bytes) -> None:
    assert sse.event(data, name=name, event_id=event_id) == written


@given(st.lists(st.text()))
def test_nobody_who_publishes_writes_events_of_ours(texts: Iterable[str]) -> None:
    texts = list(texts)
    events = read_events(b"".join(sse.event(text.encode()) for text in texts))
    wanted = [text.replace("\r\n", "\n").replace("\r", "\n") for text in texts]
    assert [event.data for event in events] == wanted
    assert {(event.name, event.last_id) for event in events} <= {("message", "")}


def test_comments_and_retries_are_no_events() -> None:
    written = sse.comment() + sse.comment("here") + sse.retry(2000) + sse.place("e:1")
    assert written == b":\n\n:here\n\nretry: 2000\n\nid: e:1\n\n"
    assert read_events(written + sse.event(b"a")) == [Event("message", "a", "e:1")]


@pytest.mark.parametrize("position", [HERE, Position("e", 0), Position("a:b", 7)])
def test_an_id_says_a_position(position: Position) -> None:
    assert parse_id(format_id(position)) == position


@pytest.mark.parametrize(
    "text", ["", ":", "1", "e:", ":1", "e:-1", "e:1x", "e: 1", "e:٣", "e:" + "9" * 19]
)
def test_what_is_no_id_of_ours_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_id(text)


def test_a_publication_is_an_event_with_its_position() -> None:
    publication = Publication(offset=43, data=b'{"a":1}', at_ms=0)
    written = PlainEvents(JSON).publication("chat:a", HERE.epoch, publication)
    assert read_events(written) == [Event("message", '{"a":1}', "0a1b2c3d:43")]


def test_bytes_are_written_in_base64_and_bad_text_is_repaired() -> None:
    publication = Publication(offset=1, data=b"\x00\n\xff", at_ms=0)
    written = PlainEvents("image/png").publication("a", "e", publication)
    assert read_events(written)[0].data == "AAr/"
    written = PlainEvents("text/plain").publication("a", "e", publication)
    assert read_events(written)[0].data == "\x00\n\N{REPLACEMENT CHARACTER}"


def test_a_reset_says_why_and_where_it_goes_on() -> None:
    (event,) = read_events(sse_events.reset(HERE, "epoch"))
    assert (event.name, event.last_id) == ("reset", "0a1b2c3d:42")
    assert json.loads(event.data) == {"reason": "epoch", "epoch": "0a1b2c3d", "offset": 42}


def test_a_state_comes_with_the_position_that_it_is_of() -> None:
    assert read_events(sse_events.state(HERE, b"[1]")) == [Event("state", "[1]", "0a1b2c3d:42")]


def test_the_end_of_a_channel_is_an_event_and_its_visitors_are_none() -> None:
    encoding = PlainEvents(JSON)
    (event,) = read_events(encoding.closed("a", HERE))
    assert event.name == "closed"
    assert encoding.joined("a", Author("u", "c")) == encoding.left("a", Author("u", "c")) == b""


@pytest.mark.parametrize(
    ("control", "fields"),
    [
        (
            Control(offset="e_1", cursor=7, is_up_to_date=False),
            {"streamNextOffset": "e_1", "streamCursor": "7"},
        ),
        (
            Control(offset="e_1", cursor=7, is_up_to_date=True),
            {"streamNextOffset": "e_1", "streamCursor": "7", "upToDate": True},
        ),
        (
            Control(offset="e_1", cursor=None, is_up_to_date=True),
            {"streamNextOffset": "e_1", "upToDate": True, "streamClosed": True},
        ),
    ],
)
def test_a_control_event_says_where_a_reader_stands(
    control: Control, fields: dict[str, object]
) -> None:
    (event,) = read_events(control.encode())
    assert event.name == "control"
    assert json.loads(event.data) == fields


@pytest.mark.parametrize(
    ("messages", "content_type", "data"),
    [
        ((b'{"a":1}', b"2"), JSON, '[{"a":1},2]'),
        ((b"one\n", b"two"), "text/plain", "one\ntwo"),
        ((b"\x01\x02", b"\x03"), "application/octet-stream", "AQID"),
    ],
)
def test_what_is_there_is_one_data_event(
    messages: tuple[bytes, ...], content_type: str, data: str
) -> None:
    assert read_events(encode_data(messages, content_type)) == [Event("data", data, "")]
    assert encode_data((), content_type) == b""


@pytest.mark.parametrize(("least", "cursor"), [(None, "1000"), (999, "1000"), (1003, "1003")])
def test_a_follower_hears_data_and_then_where_it_stands(least: int | None, cursor: str) -> None:
    at_ms = (CURSOR_EPOCH_S + 1000 * INTERVAL_S) * 1000
    encoding = DurableEvents(JSON, least)
    publication = Publication(offset=43, data=b"1", at_ms=at_ms)
    data, control = read_events(encoding.publication("a", HERE.epoch, publication))
    assert data == Event("data", "[1]", "")
    assert json.loads(control.data) == {
        "streamNextOffset": "0a1b2c3d_0000000000000043",
        "streamCursor": cursor,
        "upToDate": True,
    }
    (closed,) = read_events(encoding.closed("a", HERE))
    assert json.loads(closed.data)["streamClosed"] is True


def test_equal_encodings_share_a_feed() -> None:
    assert {DurableEvents(JSON, None): 1} == {DurableEvents(JSON, None): 1}
    assert len({DurableEvents(JSON, None), DurableEvents(JSON, 5), PlainEvents(JSON)}) == 3
