"""The handshake: three fixed-size packets each way (RTMP 1.0, section 5.2).

    C0 S0   1 byte       version, 3
    C1 S1   1536 bytes   time, version (zero in the plain handshake), 1528 random bytes
    C2 S2   1536 bytes   the other side's packet again

**Digest.**  Flash Player 9.0.115 and later, and what imitates it (ffmpeg, librtmp), write a
nonzero version and hide an HMAC-SHA256 in the random bytes of C1.  The specification never
mentioned it; H.264 playback needed it.  Where the digest lies is the sum of four bytes, modulo 728,
behind them; there are two schemes, which differ in where those four bytes are.  A server that finds
a good digest answers with one of its own in S1, by the same scheme, and signs S2 with a key made
from C1's.  Otherwise it answers plainly, and says so by a zero version.

C2 is not compared with S1: it protects nobody, and encoders in use get it wrong.  RTMPE (version
6) is refused: its encryption is broken, and RTMPS exists.
"""

import base64
import enum
import hashlib
import hmac
from typing import Any

from relay.errors import RemoteProtocolError

PACKET_SIZE = 1536
ENTROPY_SIZE = 2 * PACKET_SIZE

_VERSION = b"\x03"
_DIGEST_SIZE = 32
_OFFSET_FIELDS = (8, 772)
_OFFSET_MODULUS = 728

_SALT = bytes.fromhex("f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae")
_PLAYER_KEY = b"Genuine Adobe Flash Player 001"
_SERVER_KEY = b"Genuine Adobe Flash Media Server 001"
# Any version from 3 on makes ffmpeg and Flash look for a digest in S1.
_SERVER_VERSION = bytes((4, 5, 0, 1))
_PLAIN_VERSION = bytes(4)


class _Step(enum.Enum):
    VERSION = "version"
    FIRST = "first"
    SECOND = "second"
    DONE = "done"


class Handshake:
    """One side of a handshake.  Feed it until `done`; what it leaves in the buffer is chunks."""

    def __init__(self, *, is_server: bool, entropy: bytes) -> None:
        self.digest = False
        """The peer's first packet carried a good digest."""
        self._is_server = is_server
        self._entropy = entropy
        self._step = _Step.VERSION

    @property
    def done(self) -> bool:
        return self._step is _Step.DONE

    def opening(self) -> bytes:
        """What a client sends before anything arrived: C0 and C1.  A server waits."""
        return b"" if self._is_server else _VERSION + self._plain_packet()

    def receive(self, buffer: bytearray) -> bytes:
        """Take what is whole from the front of `buffer`; return the answer.

        Raises:
            RemoteProtocolError: this is not RTMP, or is RTMPE.
        """
        answer = b""
        if self._step is _Step.VERSION and buffer:
            _check_version(buffer[0])
            del buffer[:1]
            self._step = _Step.FIRST
        if self._step is _Step.FIRST and len(buffer) >= PACKET_SIZE:
            answer = self._answer(_take_packet(buffer))
            self._step = _Step.SECOND
        if self._step is _Step.SECOND and len(buffer) >= PACKET_SIZE:
            _take_packet(buffer)
            self._step = _Step.DONE
            # A viewer stays for hours, and this is as much as all else that it costs.
            self._entropy = b""
        return answer

    def _answer(self, first: bytes) -> bytes:
        if not self._is_server:
            return first
        scheme = find_scheme(first, _PLAYER_KEY)
        if scheme is None:
            return _VERSION + self._plain_packet() + first
        self.digest = True
        return _VERSION + self._signed_packet(scheme) + self._signature(first, scheme)

    def _plain_packet(self) -> bytes:
        return bytes(4) + _PLAIN_VERSION + self._entropy[: PACKET_SIZE - 8]

    def _signed_packet(self, scheme: int) -> bytes:
        packet = bytes(4) + _SERVER_VERSION + self._entropy[: PACKET_SIZE - 8]
        return sign(packet, scheme, _SERVER_KEY)

    def _signature(self, first: bytes, scheme: int) -> bytes:
        """S2: random bytes, signed with a key that only a reader of C1's digest can make."""
        start = _digest_position(first, scheme)
        key = _hmac(_SERVER_KEY + _SALT, first[start : start + _DIGEST_SIZE])
        random = self._entropy[PACKET_SIZE : 2 * PACKET_SIZE - _DIGEST_SIZE]
        return random + _hmac(key, random)

    def snapshot(self) -> dict[str, Any]:
        """All state, as JSON can hold it."""
        return {
            "is_server": self._is_server,
            "entropy": base64.b64encode(self._entropy).decode(),
            "digest": self.digest,
            "step": self._step.value,
        }

    @classmethod
    def restore(cls, data: dict[str, Any]) -> "Handshake":
        """A handshake that goes on where `snapshot()` was taken."""
        entropy = base64.b64decode(data["entropy"])
        handshake = cls(is_server=data["is_server"], entropy=entropy)
        handshake.digest = data["digest"]
        handshake._step = _Step(data["step"])
        return handshake


def find_scheme(packet: bytes, key: bytes) -> int | None:
    """Which of the two places holds a good digest by `key`; None for a plain packet."""
    if packet[4:8] == _PLAIN_VERSION:
        return None
    for scheme in range(len(_OFFSET_FIELDS)):
        start = _digest_position(packet, scheme)
        found = packet[start : start + _DIGEST_SIZE]
        if hmac.compare_digest(found, _digest(packet, start, key)):
            return scheme
    return None


def sign(packet: bytes, scheme: int, key: bytes) -> bytes:
    """`packet` with its digest in the place that `scheme` says."""
    start = _digest_position(packet, scheme)
    return packet[:start] + _digest(packet, start, key) + packet[start + _DIGEST_SIZE :]


def _digest_position(packet: bytes, scheme: int) -> int:
    field = _OFFSET_FIELDS[scheme]
    return field + 4 + sum(packet[field : field + 4]) % _OFFSET_MODULUS


def _digest(packet: bytes, start: int, key: bytes) -> bytes:
    return _hmac(key, packet[:start] + packet[start + _DIGEST_SIZE :])


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def _take_packet(buffer: bytearray) -> bytes:
    packet = bytes(buffer[:PACKET_SIZE])
    del buffer[:PACKET_SIZE]
    return packet


def _check_version(version: int) -> None:
    if version == 6:
        raise RemoteProtocolError("RTMPE is not spoken here; use RTMPS")
    if version != 3:
        raise RemoteProtocolError(f"not RTMP: the first byte is {version:#04x}")
