"""One viewer's socket, from `connect` to the end.

A viewer opens (`openings`), and then reads in one of two ways.  *Discarding* hands the kernel a
buffer that is never written to: with `MSG_TRUNC`, TCP counts what has come and throws it away
(tcp(7)), so a viewer costs one system call for whatever piled up since the last.  *Parsing* reads
it all and looks for stamps.  TLS has to be decrypted to be counted, so there it is read as well.
"""

import errno
import mmap
import os
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import attrs

from relay.bench.openings import NotServed, Opening
from relay.bench.stamps import Continuity, Scanner

READ_BYTES = 256 * 1024
_UNTOUCHED = mmap.mmap(-1, 16 * 1024 * 1024)
"""Address space without memory behind it: nothing is ever written here."""
_MAX_TLS_READS = 16
_SCRATCH = bytearray(32 * 1024)
"""A TLS record has 16 KB at most."""

STALL_S = 1.0
"""Without a byte for longer, somebody's picture has stopped."""


@attrs.define(eq=False)
class Sample:
    """What a parsed viewer has seen."""

    scanner: Scanner = attrs.field(factory=Scanner)
    continuity: Continuity = attrs.field(factory=Continuity)
    keyframe_at: float | None = None
    machines: set[str] = attrs.field(factory=set)
    latencies_ms: list[float] = attrs.field(factory=list)

    def feed(self, data: bytes, now: float) -> None:
        for stamp in self.scanner.feed(data):
            self.machines.add(stamp.machine)
            self.continuity.add(stamp.number)
            self.latencies_ms.append(1000 * now - stamp.sent_us / 1000)
            if stamp.is_keyframe and self.keyframe_at is None:
                self.keyframe_at = now

    def begin_window(self) -> None:
        """Forget what is not to be counted; what comes next must still follow on what came."""
        self.latencies_ms.clear()
        self.continuity.begin()


@attrs.define(eq=False)
class Viewer:
    """One connection.  Times are of the monotonic clock."""

    stream: int
    sock: socket.socket
    opening: Opening
    sample: Sample | None
    tls: ssl.SSLContext | None
    host: str
    discard: Callable[[], int] = attrs.field(init=False)
    """Take what has come: how much, and 0 at the end.  `BlockingIOError` when nothing has."""
    has_tcp: bool = False
    has_ended: bool = False
    started_at: float = attrs.field(factory=time.monotonic)
    connected_at: float | None = None
    """As far as TCP, and TLS."""
    media_at: float | None = None
    received: int = 0
    last: float = 0.0
    """When bytes came, or else when the window began."""
    has_stalled: bool = False
    received_before: int = 0
    """The window."""

    @property
    def is_swept(self) -> bool:
        """Whether nobody looks at its bytes any more."""
        return self.media_at is not None and self.sample is None

    def connect(self, address: Any) -> None:
        """Begin to connect.  Raises `OSError`."""
        code = self.sock.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))

    def connected(self) -> None:
        """TCP is there, or has failed.  Raises `OSError`."""
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        self.has_tcp = True
        if self.tls is None:
            self.discard = _discarding(self.sock)
            self._begin()
            return
        self.sock = wrapped = self.tls.wrap_socket(
            self.sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.discard = lambda: _decrypt(wrapped)

    def go_on(self) -> None:
        """Take what has come, or go on with TLS.

        Raises:
            BlockingIOError: nothing has come.
            NotServed: the server will not, or no longer.
            OSError: the connection is gone.
        """
        try:
            if self.connected_at is None:
                assert isinstance(self.sock, ssl.SSLSocket)
                self.sock.do_handshake()
                self._begin()
            data = self.sock.recv(READ_BYTES)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        if not data:
            raise NotServed("the server closed the connection")
        self._take(data, time.monotonic())

    def count(self, size: int, now: float) -> None:
        """So many bytes of media have come."""
        self.received += size
        if now - self.last > STALL_S:
            self.has_stalled = True
        self.last = now

    def say(self, data: bytes) -> None:
        """Send a few bytes, for which a connection always has room.  Raises `OSError`."""
        if data:
            self.sock.sendall(data)

    def begin_window(self, now: float) -> None:
        self.received_before = self.received
        self.last, self.has_stalled = now, False
        if self.sample is not None:
            self.sample.begin_window()

    def _begin(self) -> None:
        self.connected_at = time.monotonic()
        self.say(self.opening.hello())

    def _take(self, data: bytes, now: float) -> None:
        if self.media_at is None:
            self.last = now
            self.say(self.opening.receive(data))
            if self.opening.playing:
                self.media_at = now
        self.count(len(data), now)
        if self.sample is not None:
            self.sample.feed(data, now)


def _discarding(sock: socket.socket) -> Callable[[], int]:
    receive, size = sock.recv_into, len(_UNTOUCHED)
    return lambda: receive(_UNTOUCHED, size, socket.MSG_TRUNC)


def _decrypt(sock: ssl.SSLSocket) -> int:
    """What has come through TLS, as far as one visit takes."""
    total = 0
    try:
        for _ in range(_MAX_TLS_READS):
            size = sock.recv_into(_SCRATCH)
            total += size
            if not size:
                break
    except ssl.SSLWantReadError:
        if not total:
            raise BlockingIOError from None
    return total
