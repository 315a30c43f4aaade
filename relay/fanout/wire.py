"""Wires over real sockets, plain and TLS.  Trio's public low-level waits, no private attributes."""

import array
import contextlib
import errno
import fcntl
import socket
import ssl
import struct
import termios

import trio

from relay.config.address import parse_address
from relay.errors import RemoteProtocolError, WireBroken

_MAX_TLS_PIECE = 256 * 1024
_RECEIVED_BYTES = 64 * 1024
_ABORT = struct.pack("ii", 1, 0)
_TCP_USER_TIMEOUT_MS = 45_000
"""Longer than the outlet's own limit on a stalled viewer, which has a name in the log; the kernel
counts a closed window as unacknowledged too (tcp(7))."""

LEAST_UNSENT = 128 * 1024
"""What may wait unsent in the kernel.  Lower, and every keyframe is a short send for everybody."""


class KernelWire:
    """A connected, non-blocking TCP socket."""

    __slots__ = ("_sock", "peer", "send_nowait")

    def __init__(self, sock: socket.socket, peer: str) -> None:
        sock.setblocking(False)
        # Frames are already joined by the pump: Nagle would only add a round trip (RFC 896).
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _TCP_USER_TIMEOUT_MS)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._sock = sock
        self.peer = peer
        self.send_nowait = sock.send
        self.allow_unsent(LEAST_UNSENT)

    async def start(self) -> None:
        await trio.lowlevel.checkpoint()

    async def wait_writable(self) -> None:
        self._check_open()
        try:
            await trio.lowlevel.wait_writable(self._sock)
        except (trio.ClosedResourceError, OSError) as error:
            raise WireBroken(str(error)) from error

    async def receive_some(self, max_bytes: int, /) -> bytes:
        while True:
            await self.wait_readable()
            try:
                return self.receive_nowait(max_bytes)
            except BlockingIOError:
                continue

    async def wait_readable(self) -> None:
        self._check_open()
        try:
            await trio.lowlevel.wait_readable(self._sock)
        except (trio.ClosedResourceError, OSError) as error:
            raise WireBroken(str(error)) from error

    def receive_nowait(self, max_bytes: int, /) -> bytes:
        try:
            return self._sock.recv(max_bytes)
        except BlockingIOError:
            raise
        except OSError as error:
            raise WireBroken(str(error)) from error

    def unread_bytes(self) -> int:
        held = array.array("i", [0])
        try:
            fcntl.ioctl(self._sock, termios.TIOCOUTQ, held)
        except (OSError, ValueError):
            return 0
        return held[0]

    def allow_unsent(self, n: int, /) -> None:
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, n)

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        if self._sock.fileno() >= 0:
            trio.lowlevel.notify_closing(self._sock)
            self._sock.close()

    def abort(self) -> None:
        if self._sock.fileno() >= 0:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self.close()

    def _check_open(self) -> None:
        """Trio's waits would raise ValueError for the descriptor that is no more."""
        if self._sock.fileno() < 0:
            raise WireBroken("closed")


async def connect_tcp(address: str) -> KernelWire:
    """Connect to `HOST:PORT`.

    Raises:
        WireBroken: nobody answers there.
    """
    host, port = parse_address(address)
    try:
        stream = await trio.open_tcp_stream(host or "localhost", port)
    except OSError as error:
        raise WireBroken(str(error)) from error
    return KernelWire(socket.socket(fileno=stream.socket.detach()), address)


class TlsWire:
    """TLS over a `KernelWire`: plaintext is shared by all viewers, ciphertext is this one's own.

    OpenSSL's rule for a full transport is ours too: what was encrypted but did not fit is finished
    before anything else, and the caller repeats the same data meanwhile.  So a piece counts as
    sent only once all of its ciphertext is with the kernel.
    """

    __slots__ = ("_accepted", "_incoming", "_outgoing", "_ssl", "_unsent", "_wire", "peer")

    def __init__(self, wire: KernelWire, context: ssl.SSLContext) -> None:
        self._wire = wire
        self.peer = wire.peer
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._unsent = b""
        self._accepted = 0

    async def start(self) -> None:
        while (failure := self._shake_hands()) is not None:
            # Also what refuses the peer: an alert says why (RFC 8446, 6).
            await self._flush()
            # Which of the two it is depends on the version of Python.
            if isinstance(failure, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
                raise WireBroken(str(failure)) from failure
            if not isinstance(failure, ssl.SSLWantReadError):
                raise RemoteProtocolError(str(failure)) from failure
            await self._feed()
        await self._flush()

    def _shake_hands(self) -> ssl.SSLError | None:
        try:
            self._ssl.do_handshake()
        except ssl.SSLError as error:
            return error
        return None

    def send_nowait(self, data: bytes | memoryview, /) -> int:
        if self._unsent:
            self._push()
        if self._accepted:
            sent, self._accepted = self._accepted, 0
            return sent
        if len(data) > _MAX_TLS_PIECE:
            data = memoryview(data)[:_MAX_TLS_PIECE]
        try:
            sent = self._ssl.write(data)
        except ssl.SSLError as error:
            raise OSError(errno.EPROTO, str(error)) from error
        self._unsent = self._outgoing.read()
        try:
            self._push()
        except BlockingIOError:
            self._accepted = sent
            raise
        return sent

    async def wait_writable(self) -> None:
        await self._wire.wait_writable()

    async def receive_some(self, max_bytes: int, /) -> bytes:
        while (data := self._decrypt(max_bytes)) is None:
            await self._feed()
        return data

    async def wait_readable(self) -> None:
        await self._wire.wait_readable()

    def receive_nowait(self, max_bytes: int, /) -> bytes:
        """A record holds 16 KB at most, and what is left of the last one wakes nobody."""
        pieces: list[bytes] = []
        while max_bytes > 0:
            data = self._decrypt(max_bytes)
            if data is not None:
                pieces.append(data)
                max_bytes -= len(data)
                if not data:
                    break
                continue
            try:
                self._take(self._wire.receive_nowait(_RECEIVED_BYTES))
            except BlockingIOError:
                if not pieces:
                    raise
                break
        return b"".join(pieces)

    def _decrypt(self, max_bytes: int) -> bytes | None:
        """Plaintext, `b""` at its end, None when more ciphertext is needed."""
        try:
            return self._ssl.read(max_bytes)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise WireBroken(str(error)) from error

    def unread_bytes(self) -> int:
        return len(self._unsent) + self._wire.unread_bytes()

    def allow_unsent(self, n: int, /) -> None:
        self._wire.allow_unsent(n)

    def finish(self) -> None:
        """close_notify goes out if it fits; the peer sees the end of the connection anyway."""
        with contextlib.suppress(ssl.SSLError, OSError):
            self._ssl.unwrap()
        self._unsent += self._outgoing.read()
        with contextlib.suppress(OSError):
            self._push()
        self._wire.finish()

    def close(self) -> None:
        self._wire.close()

    def abort(self) -> None:
        self._wire.abort()

    def _push(self) -> None:
        """Send what ciphertext there is, all of it or `BlockingIOError`."""
        while self._unsent:
            sent = self._wire.send_nowait(self._unsent)
            self._unsent = self._unsent[sent:] if sent < len(self._unsent) else b""

    async def _flush(self) -> None:
        """During the handshake only, when no outlet writes yet."""
        self._unsent += self._outgoing.read()
        while self._unsent:
            try:
                self._push()
            except BlockingIOError:
                await self._wire.wait_writable()
            except OSError as error:
                raise WireBroken(str(error)) from error

    async def _feed(self) -> None:
        self._take(await self._wire.receive_some(_RECEIVED_BYTES))

    def _take(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
