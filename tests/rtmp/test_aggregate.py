"""Aggregate messages come apart into what they are made of."""

import pytest
from support.rtmp_bytes import feed_every_way, message, publishing, receive

from relay.errors import RemoteProtocolError
from relay.formats import amf0
from relay.packet import Kind
from relay.rtmp import Connection, MediaMessage, Metadata


def part(type_id: int, time: int, body: bytes) -> bytes:
    low, high = time & 0xFFFFFF, time >> 24
    return (
        bytes((type_id,))
        + len(body).to_bytes(3, "big")
        + low.to_bytes(3, "big")
        + bytes((high, 0, 0, 0))
        + body
        + (len(body) + 11).to_bytes(4, "big")
    )


def aggregate(*parts: bytes) -> bytes:
    return message(b"".join(parts), type_id=22, stream_id=1)


def test_the_parts_keep_their_distances_from_the_time_of_the_whole() -> None:
    data = aggregate(
        part(8, 5000, b"sound"), part(9, 5040, b"picture"), part(9, 4990, b"early")
    ).replace(b"\x03\x00\x00\x00", b"\x03\x00\x03\xe8", 1)
    assert feed_every_way(publishing, data) == [
        MediaMessage(Kind.AUDIO, 1, 1000, b"sound"),
        MediaMessage(Kind.VIDEO, 1, 1040, b"picture"),
        MediaMessage(Kind.VIDEO, 1, 990, b"early"),
    ]


def test_the_upper_timestamp_byte_counts() -> None:
    data = aggregate(part(8, 0x01FFFFFF, b"a"), part(8, 0x02000001, b"b"))
    events = receive(publishing(), data)
    assert events == [MediaMessage(Kind.AUDIO, 1, 0, b"a"), MediaMessage(Kind.AUDIO, 1, 2, b"b")]


def test_script_data_may_be_inside_and_the_rest_is_skipped() -> None:
    meta = amf0.encode("onMetaData", {"width": 96.0})
    parts = part(18, 0, meta), part(22, 0, b""), part(20, 0, b""), part(1, 0, bytes(4))
    assert receive(publishing(), aggregate(*parts)) == [Metadata(1, 0, {"width": 96.0})]


def test_an_empty_aggregate_is_nothing() -> None:
    assert receive(publishing(), aggregate()) == []


def test_a_snapshot_between_two_parts_loses_none() -> None:
    connection = publishing()
    connection.receive_data(aggregate(part(8, 0, b"a"), part(8, 1, b"b")))
    assert connection.next_event() == MediaMessage(Kind.AUDIO, 1, 0, b"a")
    connection = Connection.restore(connection.snapshot())
    assert connection.next_event() == MediaMessage(Kind.AUDIO, 1, 1, b"b")


@pytest.mark.parametrize("cut", [1, 4, 5, 12])
def test_a_part_that_is_cut_is_an_error(cut: int) -> None:
    with pytest.raises(RemoteProtocolError, match="ends inside a part"):
        receive(publishing(), aggregate(part(8, 0, b"a")[:-cut]))
