"""The publishing process: so many messages per second, each when it is due, on one connection.

It does not wait for acknowledgements, which come when they come; nor does it make up for time that
it has lost but by being late, and saying so.  Channels take turns within the interval.
"""

import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

import attrs

from relay.bench.machine import CpuMeter, machine_id
from relay.bench.messages_dialects import read_secret
from relay.bench.messages_openings import CentrifugoOpening, Seat, Upgrade, text_frame
from relay.bench.messages_plan import MessagesPlan, PublisherFigures
from relay.bench.messages_stamps import Frames, read_frames, stamped
from relay.bench.openings import NotServed
from relay.bench.stamps import Stamp
from relay.bench.sweep import resolve
from relay.bench.targets import Target

READ_BYTES = 64 * 1024
_FIRST_ID = 10
_OPENING_S = 10.0
_POLL_S = 0.05


class Door(Protocol):
    """One way to publish, on a connection that has been opened."""

    def message(self, channel: int, data: bytes) -> bytes:
        """What to send to publish `data`."""

    def receive(self, data: bytes) -> tuple[list[str], bytes]:
        """The outcome of each publication that is answered now, in order (empty: it is there), and
        what to answer.
        """


@attrs.define
class CentrifugoDoor:
    """`publish` commands."""

    _channel: str
    _number: int = attrs.field(default=_FIRST_ID, init=False)
    _rest: bytes = attrs.field(default=b"", init=False)

    def message(self, channel: int, data: bytes) -> bytes:
        name = self._channel.replace("%", str(channel))
        self._number += 1
        line = b'{"id":%d,"publish":{"channel":"%b","data":%b}}'
        return text_frame(line % (self._number, name.encode(), data))

    def receive(self, data: bytes) -> tuple[list[str], bytes]:
        frames: Frames = read_frames(self._rest + data)
        self._rest = frames.rest
        return [_outcome(reply) for reply in frames.replies], frames.answer


@attrs.define
class PostDoor:
    """A `POST` for each message, one behind the other on a connection that is kept."""

    _url: str
    _rest: bytes = attrs.field(default=b"", init=False)

    def message(self, channel: int, data: bytes) -> bytes:
        target = Target.parse(self._url.replace("%", str(channel)))
        head = f"POST {target.path} HTTP/1.1\r\nHost: {target.authority}\r\n"
        return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data

    def receive(self, data: bytes) -> tuple[list[str], bytes]:
        self._rest += data
        outcomes = []
        while (size := _answer_bytes(self._rest)) is not None and size <= len(self._rest):
            status, self._rest = self._rest[9:12], self._rest[size:]
            outcomes.append("" if status[:1] == b"2" else f"HTTP {status.decode('latin-1')}")
        return outcomes, b""


def _outcome(reply: bytes) -> str:
    return reply.partition(b'"message":"')[2].partition(b'"')[0].decode() or (
        "error" if b'"error"' in reply else ""
    )


def _answer_bytes(data: bytes) -> int | None:
    """How long the answer at the start is, when that can be told."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return None
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return len(head) + 4 + int(value)
    raise NotServed("an answer without Content-Length")


class Publisher:
    """Publishes from when all subscribers should be there until it is stopped."""

    def __init__(self, plan: MessagesPlan, begin: float) -> None:
        self._plan = plan
        self._begins = begin + plan.ramp_s
        self._window = begin + plan.window_s
        self._sent_at: deque[float] = deque()
        self._late_ms: list[float] = []
        self._acknowledge_ms: list[float] = []
        self._refusals: Counter[str] = Counter()
        self._published = self._acknowledged = 0

    def run(self, is_stopped: Callable[[], bool]) -> PublisherFigures:
        """Publish.

        Raises:
            NotServed: the server will not have it.
            OSError: the connection is gone.
        """
        with self._connected() as sock:
            self._door = self._open(sock)
            self._publish(sock, self._window, is_stopped)
            self._published = self._acknowledged = 0
            self._late_ms.clear()
            self._acknowledge_ms.clear()
            started, cpu = time.monotonic(), CpuMeter()
            end = float("inf") if self._plan.reconnect else started + self._plan.seconds
            self._publish(sock, end, is_stopped)
            return PublisherFigures(
                seconds=time.monotonic() - started,
                published=self._published,
                acknowledged=self._acknowledged,
                refusals=dict(self._refusals),
                acknowledge_ms=self._acknowledge_ms,
                late_ms=self._late_ms,
                cpu_share=cpu.share(),
            )

    _door: Door
    _numbers: int = 0

    def _publish(self, sock: socket.socket, end: float, is_stopped: Callable[[], bool]) -> None:
        interval = 1 / (self._plan.rate * self._plan.channels)
        while not is_stopped():
            due = self._begins + self._numbers * interval
            if min(due, end) > (now := time.monotonic()):
                self._hear(sock, min(due, end) - now)
                continue
            if now >= end:
                return
            self._late_ms.append(1000 * (now - due))
            self._say(sock)

    def _say(self, sock: socket.socket) -> None:
        number, channel = divmod(self._numbers, self._plan.channels)
        self._numbers += 1
        now = time.monotonic()
        stamp = Stamp(machine_id(), int(now * 1e6), number, is_keyframe=False)
        self._sent_at.append(now)
        sock.sendall(self._door.message(channel, stamped(stamp, self._plan.size)))
        self._published += 1

    def _hear(self, sock: socket.socket, wait_s: float) -> None:
        """Take what has come, or wait."""
        readable, _, _ = select.select([sock], [], [], min(wait_s, _POLL_S))
        if not readable:
            return
        data = sock.recv(READ_BYTES)
        if not data:
            raise NotServed("the server closed the connection")
        outcomes, answer = self._door.receive(data)
        if answer:
            sock.sendall(answer)
        now = time.monotonic()
        for outcome in outcomes:
            self._acknowledge_ms.append(1000 * (now - self._sent_at.popleft()))
            self._acknowledged += not outcome
            if outcome:
                self._refusals[outcome] += 1

    # Opening.

    def _connected(self) -> socket.socket:
        family, address = resolve(Target.parse(self._plan.publish_url or self._plan.url))
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(_OPENING_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(address)
        return sock

    def _open(self, sock: socket.socket) -> Door:
        plan = self._plan
        if plan.publish_url:
            return PostDoor(plan.publish_url)
        token = read_secret(plan.publish_token)
        target = Target.parse(plan.url)
        opening, upgrade = CentrifugoOpening(target, bytes(16), "", token, Seat()), Upgrade()
        sock.sendall(opening.hello())
        while (rest := upgrade.receive(sock.recv(READ_BYTES))) is None:
            pass
        sock.sendall(opening.upgraded())
        while not opening.is_open:
            data = sock.recv(READ_BYTES)
            if not data:
                raise NotServed("the server closed the connection")
            frames = read_frames(rest + data)
            rest = frames.rest
            sock.sendall(opening.receive(frames))
        return CentrifugoDoor(plan.channel)
