"""What ffmpeg really sends: old and new, in chunks of 128, 4096 and 60000, early and late."""

import pytest
from support.rtmp_bytes import answered, feed_every_way, receive, server
from support.rtmp_captures import CAPTURES, START_EXTENDED, source_packets

from relay.packet import Kind
from relay.rtmp import (
    Connection,
    ConnectRequest,
    CreateStream,
    DeleteStream,
    FCPublish,
    FCUnpublish,
    HandshakeCompleted,
    MediaMessage,
    Metadata,
    Publish,
    Received,
    ReleaseStream,
)

every_capture = pytest.mark.parametrize("name", CAPTURES)


def media(events: list[Received]) -> list[tuple[Kind, int, bytes]]:
    return [(e.kind, e.timestamp, e.payload) for e in events if isinstance(e, MediaMessage)]


def expected(name: str) -> list[tuple[Kind, int, bytes]]:
    """The source's packets, moved to where the capture starts; configuration stays at 0."""
    packets = source_packets()
    if "extended" not in name:
        return packets
    late = [(kind, time + START_EXTENDED, body) for kind, time, body in packets[2:]]
    return packets[:2] + late


@every_capture
def test_every_packet_arrives_as_it_was(name: str) -> None:
    assert media(receive(server(), CAPTURES[name])) == expected(name)


@every_capture
def test_the_commands_around_the_packets_are_understood(name: str) -> None:
    kinds = [type(event) for event in receive(server(), CAPTURES[name])]
    assert [kind for kind in kinds if kind is not MediaMessage] == [
        HandshakeCompleted,
        ConnectRequest,
        ReleaseStream,
        FCPublish,
        CreateStream,
        Publish,
        Metadata,
        FCUnpublish,
        DeleteStream,
    ]


@every_capture
def test_it_does_not_matter_how_the_bytes_are_cut(name: str) -> None:
    events = feed_every_way(server, CAPTURES[name])
    assert media(events) == expected(name)


@every_capture
def test_a_snapshot_may_be_taken_at_every_byte(name: str) -> None:
    """One pass in which the connection is replaced after each byte: every cut, all in one."""
    connection = server()
    events: list[Received] = []
    for byte in CAPTURES[name]:
        connection = Connection.restore(connection.snapshot())
        connection.receive_data(bytes((byte,)))
        events += answered(connection)
        connection.data_to_send()
    assert events == receive(server(), CAPTURES[name])


def test_the_late_captures_do_repeat_extended_timestamps_in_type_3_chunks() -> None:
    """So they test what they are meant to test."""
    repeated = b"\xc6" + START_EXTENDED.to_bytes(4, "big")
    late = [data for name, data in CAPTURES.items() if "extended" in name]
    assert len(late) == 2
    assert all(data.count(repeated) == 17 for data in late)
