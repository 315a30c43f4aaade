"""Acknowledgements: on time, whatever the peer said, past 4 GB."""

import pytest
from support.rtmp_bytes import chunk, connected, control, decoded, publishing, receive

from relay.rtmp.flow import WINDOW, Flow

ACKNOWLEDGEMENT = 3


def test_a_window_is_acknowledged_once() -> None:
    flow = Flow()
    flow.advance(WINDOW - 1)
    assert flow.due() is None
    flow.advance(1)
    assert flow.due() == WINDOW
    assert flow.due() is None


@pytest.mark.parametrize(
    ("asked", "kept"), [(0, 1), (1, 1), (5000, 5000), (0xFFFFFFFF, WINDOW)], ids=str
)
def test_a_peer_may_ask_for_more_acknowledgements_but_not_for_fewer(asked: int, kept: int) -> None:
    """Encoders that announce 4 GB stop at 2 GB all the same (SRS 598)."""
    flow = Flow()
    flow.set_window(asked)
    assert flow.window == kept


@pytest.mark.parametrize("received", [2**31 - 10, 2**32 - 10, 2**33 - 10], ids=hex)
def test_the_count_wraps_at_32_bits_and_goes_on(received: int) -> None:
    """Where others went silent (SRS 730) an encoder waits for ever."""
    flow = Flow(received=received, acknowledged=received)
    for _ in range(3):
        flow.advance(WINDOW)
        assert flow.due() == flow.received & 0xFFFFFFFF


def test_a_peer_that_never_sends_a_window_is_acknowledged() -> None:
    connection = publishing()
    connection._flow.received = connection._flow.acknowledged = 2**32 - 1000
    connection.data_to_send()
    receive(connection, chunk(0, 6, bytes(100)))
    assert connection.data_to_send() == b""
    connection._reader.chunk_size = 0xFFFFFF
    receive(connection, chunk(0, 6, bytes(WINDOW)))
    count = 2**32 - 1000 + 112 + 12 + WINDOW
    expected = (count & 0xFFFFFFFF).to_bytes(4, "big")
    assert decoded(connection.data_to_send()) == [(ACKNOWLEDGEMENT, 0, expected)]


def test_a_peers_window_is_obeyed() -> None:
    connection = connected()
    receive(connection, control(5, (1000).to_bytes(4, "big")))
    connection.data_to_send()
    receive(connection, control(4, b"\x00\x03" + bytes(50)) * 20)
    assert [found[0] for found in decoded(connection.data_to_send())] == [ACKNOWLEDGEMENT]


def test_acknowledgements_of_any_kind_are_taken() -> None:
    """YouTube counts from the last one, Flash Media Server from the start (HPRTMP 28)."""
    connection = connected()
    assert receive(connection, control(3, bytes(4)) + control(3, b"\xff" * 4)) == []
