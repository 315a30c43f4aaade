"""One subscriber's socket, from `connect` to the end, and back again."""

import errno
import os
import socket
import struct
import time
from typing import Any

import attrs

from relay.bench.messages_openings import MessagesOpening, Seat, Upgrade
from relay.bench.messages_stamps import Frames, Reader
from relay.bench.openings import NotServed

READ_BYTES = 64 * 1024
_ABORT = struct.pack("ii", 1, 0)


@attrs.define(eq=False)
class Subscriber:
    """Times are of the monotonic clock."""

    number: int
    is_parsed: bool
    is_idle: bool
    seat: Seat = attrs.field(factory=Seat)
    started_at: float = 0.0
    open_at: float | None = None
    messages: int = 0
    received: int = 0
    """Bytes."""
    lost: int = 0
    repeated: int = 0
    latencies_ms: list[float] = attrs.field(factory=list)
    machines: set[str] = attrs.field(factory=set)
    sock: socket.socket = attrs.field(init=False)
    has_tcp: bool = False
    opening: MessagesOpening = attrs.field(init=False)
    rest: bytes = b""
    """The beginning of a frame."""
    next: int | None = None
    """The number of the message that should come next."""
    _upgrade: Upgrade | None = None

    def connect(self, opening: MessagesOpening, sock: socket.socket, address: Any) -> None:
        """Begin to connect.  Raises `OSError`."""
        self.started_at, self.open_at = time.monotonic(), None
        self.opening, self.sock = opening, sock
        self.has_tcp, self.rest, self._upgrade = False, b"", Upgrade()
        code = sock.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))

    def connected(self) -> None:
        """TCP is there, or has failed.  Raises `OSError`."""
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        self.has_tcp = True
        self.say(self.opening.hello())

    def receive(self, reader: Reader) -> None:
        """Read what has come.

        Raises:
            BlockingIOError: nothing has.
            NotServed: the server will not, or no longer.
            OSError: the connection is gone.
        """
        data = self.sock.recv(READ_BYTES)
        if not data:
            raise NotServed("the server closed the connection")
        if self._upgrade is not None:
            rest = self._upgrade.receive(data)
            if rest is None:
                return
            self._upgrade, data = None, rest
            self.say(self.opening.upgraded())
            self._mark_open()
        if data:
            self.take(data, reader)

    def take(self, data: bytes, reader: Reader) -> None:
        """Take what was read behind the upgrade.  Raises as `receive`."""
        self.received += len(data)
        frames = reader.read(self.rest + data if self.rest else data)
        self.rest = frames.rest
        if self.opening.is_open:
            answer = frames.answer
        else:
            answer = self.opening.receive(frames)
            self._mark_open()
        if answer:
            self.say(answer)
        if frames.stamps:
            self._count(frames)

    def begin_window(self) -> None:
        """Forget what is not to be counted; what comes next must still follow on what came."""
        self.messages = self.received = self.lost = self.repeated = 0
        self.latencies_ms.clear()

    def say(self, data: bytes) -> None:
        """Send a few bytes, for which a connection always has room.  Raises `OSError`."""
        if data:
            self.sock.sendall(data)

    def cut(self) -> None:
        """End the connection without a word, as a network does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self.sock.close()

    def _mark_open(self) -> None:
        if self.opening.is_open and self.open_at is None:
            self.open_at = time.monotonic()

    def _count(self, frames: Frames) -> None:
        first, count = frames.first, len(frames.stamps)
        self.messages += count
        if frames.is_gapless and (self.next is None or first == self.next):
            self.next = frames.after
        else:
            self._compare([stamp.number for stamp in frames.stamps])
        if frames.offset is not None:
            self.seat.offset = frames.offset
        if self.is_parsed:
            now = time.monotonic()
            for stamp in frames.stamps:
                self.machines.add(stamp.machine)
                self.latencies_ms.append(1000 * now - stamp.sent_us / 1000)

    def _compare(self, numbers: list[int]) -> None:
        """Something is missing, or has come before."""
        for number in numbers:
            if self.next is not None and number < self.next:
                self.repeated += 1
                continue
            self.lost += 0 if self.next is None else number - self.next
            self.next = number + 1
