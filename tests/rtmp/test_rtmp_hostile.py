"""Garbage gives events or `RemoteProtocolError`, in bounded memory, and always comes to an end."""

import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.rtmp_bytes import (
    answered,
    basic,
    chunk,
    chunk_size,
    command,
    connected,
    control,
    message,
    publishing,
    ready,
    receive,
    server,
)
from support.rtmp_captures import CAPTURES

from relay.errors import RemoteProtocolError
from relay.rtmp import Connection, ConnectionClosed, RtmpLimits

MEGABYTE = 1 << 20
MAKERS = [server, ready, connected, publishing]
BASE = CAPTURES["ffmpeg-5.1-chunk-128-extended"]


def survive(connection: Connection, data: bytes) -> None:
    """Nothing but events, one protocol error, and the end."""
    try:
        receive(connection, data)
        connection.receive_data(b"")
        events = list(answered(connection))
    except RemoteProtocolError:
        return
    assert events[-1] == ConnectionClosed()


@given(st.sampled_from(MAKERS), st.binary(max_size=400))
@example(server, b"\x03" + bytes(3072))
def test_random_bytes(make: Callable[[], Connection], data: bytes) -> None:
    survive(make(), data)


CHUNKS = st.builds(
    chunk,
    st.integers(0, 2),
    st.integers(2, 5),
    st.binary(max_size=40),
    time=st.integers(0, 0x1FFFFFF),
    length=st.none() | st.integers(0, 200),
    type_id=st.sampled_from([1, 2, 4, 5, 6, 8, 9, 15, 17, 18, 20, 22]),
)


@given(st.sampled_from(MAKERS[1:]), st.lists(CHUNKS | st.binary(max_size=5), max_size=20))
def test_plausible_chunks(make: Callable[[], Connection], pieces: list[bytes]) -> None:
    survive(make(), b"".join(pieces))


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(3073, len(BASE) - 1), st.integers(0, 255)), max_size=8),
    st.integers(3073, len(BASE)),
)
def test_mutated_captures(changes: list[tuple[int, int]], end: int) -> None:
    data = bytearray(BASE)
    for position, value in changes:
        data[position] = value
    survive(server(), bytes(data[:end]))


@given(st.sampled_from(list(CAPTURES)), st.integers(3073, 12_000), st.integers(0, 300))
def test_captures_with_a_hole(name: str, start: int, size: int) -> None:
    data = CAPTURES[name]
    survive(server(), data[:start] + data[start + size :])


def peak_while_receiving(connection: Connection, pieces: Iterator[bytes]) -> tuple[int, bool]:
    """The most memory that was used, and whether the peer was refused."""
    tracemalloc.start()
    try:
        for piece in pieces:
            connection.receive_data(piece)
            for _ in answered(connection):
                pass
    except RemoteProtocolError:
        return tracemalloc.get_traced_memory()[1], True
    else:
        return tracemalloc.get_traced_memory()[1], False
    finally:
        tracemalloc.stop()


def test_chunk_streams_that_never_end_are_refused() -> None:
    pieces = (chunk(0, 64 + number, length=1000) for number in range(65_536))
    peak, refused = peak_while_receiving(publishing(), pieces)
    assert refused
    assert peak < MEGABYTE


def test_unfinished_messages_on_many_chunk_streams_are_refused() -> None:
    pieces = (chunk(0, 3 + number, bytes(128), length=8 * MEGABYTE) for number in range(60))
    peak, refused = peak_while_receiving(publishing(), pieces)
    assert refused
    assert peak < MEGABYTE


def test_what_fits_the_bound_is_all_that_is_kept() -> None:
    limits = RtmpLimits(message_bytes=MEGABYTE, buffered_bytes=2 * MEGABYTE)
    connection = publishing(limits)
    receive(connection, chunk_size(65_536))

    def almost_whole() -> Iterator[bytes]:
        for cid in (6, 7):
            yield chunk(0, cid, bytes(65_536), length=MEGABYTE)
            for _ in range(14):
                yield basic(3, cid) + bytes(65_536)

    peak, refused = peak_while_receiving(connection, almost_whole())
    assert not refused
    assert peak < 4 * MEGABYTE


def test_a_huge_length_costs_nothing() -> None:
    peak, refused = peak_while_receiving(publishing(), iter([chunk(0, 6, length=0xFFFFFF)]))
    assert refused
    assert peak < MEGABYTE


def test_an_aggregate_of_half_a_million_parts_comes_one_by_one() -> None:
    part = bytes((8,)) + bytes(14)
    whole = message(part * (8 * MEGABYTE // len(part)), type_id=22, stream_id=1)
    connection = publishing()
    connection.receive_data(whole)
    tracemalloc.start()
    first = [next(answered(connection)) for _ in range(10_000)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(first) == 10_000
    # The message is copied out of the receive buffer twice; its parts would be 100 MB.
    assert peak < 30 * MEGABYTE


def test_nested_values_are_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="nested deeper"):
        receive(connected(), message(b"\x02\x00\x01a" + b"\x0a\x00\x00\x00\x01" * 10_000 + b"\x05"))


def test_a_command_of_thousands_of_small_values_is_refused_before_they_are_read() -> None:
    """Twelve thousand take as long as half a video frame."""
    values = b"\x02\x00\x01x" + bytes(9) + b"\x03" + b"\x00\x01a\x01\x01" * 12_000 + b"\x00\x00\x09"
    with pytest.raises(RemoteProtocolError, match="too many values"):
        receive(connected(), message(values))


def test_a_command_longer_than_64_kb_is_refused_at_its_header() -> None:
    with pytest.raises(RemoteProtocolError, match="type 20 with 70"):
        receive(connected(), command("x" * 70_000)[:12])


def test_pings_that_nobody_answers_fast_enough_end_the_connection() -> None:
    connection = connected()
    ping = control(4, b"\x00\x06" + bytes(4))
    with pytest.raises(RemoteProtocolError, match="more answers"):
        receive(connection, ping * 10_000)
    assert len(connection.data_to_send()) < 70_000


def test_pings_between_reads_may_go_on_for_ever() -> None:
    connection = connected()
    ping = control(4, b"\x00\x06" + bytes(4))
    for _ in range(100):
        receive(connection, ping * 100)
        assert len(connection.data_to_send()) == 100 * 18
