"""The handshake, plain and with digests, in any pieces."""

import hashlib
import hmac

import pytest
from support.rtmp_bytes import ENTROPY, PLAIN_CLIENT, PLAIN_HELLO, receive, server
from support.rtmp_captures import CAPTURES
from support.rtmp_pair import ConnectionPair

from relay.errors import RemoteProtocolError
from relay.rtmp import NEED_DATA, Connection, HandshakeCompleted, Role
from relay.rtmp.handshake import PACKET_SIZE, find_scheme, sign

PLAYER_KEY = b"Genuine Adobe Flash Player 001"
SERVER_KEY = b"Genuine Adobe Flash Media Server 001"
SALT = bytes.fromhex("f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae")


def signed_hello(scheme: int) -> bytes:
    """C0 and C1 of a Flash Player 9.0.124.2."""
    packet = bytes(4) + bytes((9, 0, 124, 2)) + ENTROPY[: PACKET_SIZE - 8]
    return b"\x03" + sign(packet, scheme, PLAYER_KEY)


def split(answer: bytes) -> tuple[bytes, bytes]:
    """S1 and S2."""
    assert len(answer) == 1 + 2 * PACKET_SIZE
    assert answer[:1] == b"\x03"
    return answer[1 : 1 + PACKET_SIZE], answer[1 + PACKET_SIZE :]


def test_a_plain_client_gets_its_packet_back() -> None:
    connection = server()
    assert receive(connection, PLAIN_HELLO) == []
    s1, s2 = split(connection.data_to_send())
    assert s1[4:8] == bytes(4)
    assert s2 == PLAIN_HELLO[1:]
    assert receive(connection, bytes(PACKET_SIZE)) == [HandshakeCompleted(digest=False)]


@pytest.mark.parametrize("scheme", [0, 1])
def test_a_good_digest_is_answered_by_one_of_the_same_scheme(scheme: int) -> None:
    connection = server()
    hello = signed_hello(scheme)
    receive(connection, hello)
    s1, s2 = split(connection.data_to_send())
    assert s1[4:8] != bytes(4)
    assert find_scheme(s1, SERVER_KEY) == scheme
    field = (8, 772)[scheme] + 1
    start = field + 4 + sum(hello[field : field + 4]) % 728
    key = hmac.digest(SERVER_KEY + SALT, hello[start : start + 32], hashlib.sha256)
    assert s2[-32:] == hmac.digest(key, s2[:-32], hashlib.sha256)
    assert receive(connection, bytes(PACKET_SIZE)) == [HandshakeCompleted(digest=True)]


def test_a_wrong_digest_is_answered_plainly() -> None:
    hello = bytearray(signed_hello(0))
    hello[-1] ^= 1
    connection = server()
    receive(connection, bytes(hello))
    s1, s2 = split(connection.data_to_send())
    assert s1[4:8] == bytes(4)
    assert s2 == hello[1:]


@pytest.mark.parametrize("capture", CAPTURES.values(), ids=CAPTURES)
def test_ffmpeg_signs_its_hello(capture: bytes) -> None:
    assert receive(server(), capture[: 1 + 2 * PACKET_SIZE]) == [HandshakeCompleted(digest=True)]


def test_the_answer_goes_out_before_the_client_says_more() -> None:
    connection = server()
    for byte in PLAIN_HELLO[:-1]:
        assert receive(connection, bytes((byte,))) == []
    assert connection.data_to_send() == b""
    receive(connection, PLAIN_HELLO[-1:])
    assert len(connection.data_to_send()) == 1 + 2 * PACKET_SIZE


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"\x06", "RTMPE"), (b"GET / HTTP/1.1", "not RTMP"), (b"\x16\x03\x01", "not RTMP")],
    ids=["RTMPE", "HTTP", "TLS"],
)
def test_other_protocols_are_refused_at_their_first_byte(data: bytes, problem: str) -> None:
    connection = server()
    connection.receive_data(data[:1])
    with pytest.raises(RemoteProtocolError, match=problem) as caught:
        connection.next_event()
    assert caught.value.reply == b""


def test_what_follows_the_handshake_in_one_read_is_kept() -> None:
    connection = server()
    connection.receive_data(PLAIN_CLIENT + b"\x82")
    assert connection.next_event() == HandshakeCompleted(digest=False)
    assert connection.next_event() is NEED_DATA
    with pytest.raises(RemoteProtocolError, match="chunk stream 2 starts without"):
        receive(connection, bytes(3))


@pytest.mark.parametrize("step", [1, 1000, 1 << 20])
def test_client_and_server_shake_hands(step: int) -> None:
    pair = ConnectionPair(step=step)
    pair.shake_hands()
    assert {side.state.value for side in pair.sides.values()} == {"ready"}
    assert len(pair.wire[Role.CLIENT]) == len(pair.wire[Role.SERVER]) == 1 + 2 * PACKET_SIZE


def test_entropy_must_be_enough() -> None:
    with pytest.raises(ValueError, match="3071 of 3072"):
        Connection(Role.SERVER, entropy=bytes(3071))
