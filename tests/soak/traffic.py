"""Publishers and viewers who come and go, over real sockets, as they do: politely, or not at all.

Everything is dealt from decks instead of thrown with dice, and publishers take turns: how many are
there at once hardly varies, and nor does memory, unless something stays.  The decks are shuffled by
one seed, so that two runs differ by the machine alone.
"""

import itertools
import math
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Sequence
from typing import Generic, TypeVar

import attrs
import trio
from support.http_client import UPGRADE, request_bytes

from relay.bench.machine import machine_id
from relay.bench.phases import Phase, Shape, Source
from relay.errors import RelayError
from relay.fanout.wire import connect_tcp
from relay.ports import Wire
from relay.publishing import Publisher, open_publisher

T = TypeVar("T")

KBITS = 300
TURNS_S = ((40.0, 10.0), (40.0, 45.0))
"""Of a publisher, on air and away: it returns within the 30 s that viewers are held, or not."""
CYCLE_S = sum(map(sum, TURNS_S))
WATCH_S = tuple(-8.0 * math.log(1 - (n + 0.5) / 20) for n in range(20))
"""Exponentially distributed around 8 s."""
STALL_S = 40.0
"""Longer than a server has to put up with."""
READ_EVERY_S = 0.1
READ_BYTES = 256 * 1024
OUTPUTS = (("flv", ()), ("mp4", ()), ("flv", UPGRADE), ("mp4", UPGRADE))
MANNERS = ("leaves",) * 6 + ("vanishes",) * 3 + ("stalls",)
"""How viewers end."""
RUDE_EVERY = 3
"""So many publications, one ends with a reset."""
_RESET = struct.pack("ii", 1, 0)


def vanish(sock: trio.socket.SocketType) -> None:
    """A reset instead of a goodbye.  Trio has closed a socket that was still connecting."""
    if sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        sock.close()


def host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


@attrs.define(eq=False)
class Deck(Generic[T]):
    """Cards, each of which is dealt once before any is dealt again."""

    cards: Sequence[T]
    dice: random.Random
    _left: list[T] = attrs.field(factory=list, init=False)

    def deal(self) -> T:
        if not self._left:
            self._left = self.dice.sample(self.cards, len(self.cards))
        return self._left.pop()


@attrs.define(eq=False)
class Traffic:
    """Everybody who comes to one server.  `run` it once; `stop` sends everybody away."""

    rtmp: str
    http: str
    publishers: int
    joins_per_s: float
    viewers: int = attrs.field(default=0, init=False)
    joins: int = attrs.field(default=0, init=False)
    publications: int = attrs.field(default=0, init=False)
    seen: Counter[str] = attrs.field(factory=Counter, init=False)
    """How viewers were answered, and what became of publications."""
    _manners: Deck[str] = attrs.field(init=False)
    _outputs: Deck[tuple[str, Sequence[tuple[str, str]]]] = attrs.field(init=False)
    _names: Deck[int] = attrs.field(init=False)
    _watch_s: Deck[float] = attrs.field(init=False)
    _source: Source = attrs.field(
        factory=lambda: Source(Shape(kbit_per_s=KBITS, fps=30, gop_s=2)), init=False
    )

    def __attrs_post_init__(self) -> None:
        dice = random.Random(1)
        self._manners, self._outputs = Deck(MANNERS, dice), Deck(OUTPUTS, dice)
        self._names, self._watch_s = Deck(range(self.publishers), dice), Deck(WATCH_S, dice)

    async def run(self) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            for number in range(self.publishers):
                nursery.start_soon(self._publish_again_and_again, number)
            while True:
                nursery.start_soon(self._watch)
                await trio.sleep(1 / self.joins_per_s)

    # Publishers.

    async def _publish_again_and_again(self, number: int) -> None:
        await trio.sleep(number * CYCLE_S / self.publishers)
        for on_air_s, away_s in itertools.cycle(TURNS_S):
            try:
                await self._publish(number, on_air_s)
            except RelayError as error:
                self.seen[f"publication: {error}"] += 1
            await trio.sleep(away_s)

    async def _publish(self, number: int, seconds: float) -> None:
        wires: list[Wire] = []

        async def connect(address: str) -> Wire:
            wires.append(await connect_tcp(address))
            return wires[0]

        url = f"rtmp://{self.rtmp}/live/s{number}"
        async with open_publisher(url, connect=connect) as publisher:
            self.publications += 1
            with trio.move_on_after(seconds):
                await self._send(publisher)
            if self.publications % RUDE_EVERY == 0:
                wires[0].abort()

    async def _send(self, publisher: Publisher) -> None:
        phase = Phase(source=self._source, delay_s=0.0, shift=0)
        for packet in self._source.configurations(0):
            await publisher.send(packet)
        began, machine = trio.current_time(), machine_id()
        for moment in phase.moments():
            await trio.sleep_until(began + moment.due_s)
            await publisher.send(phase.packet(moment, machine, time.monotonic_ns() // 1000))

    # Viewers.

    async def _watch(self) -> None:
        self.joins += 1
        self.viewers += 1
        sock = trio.socket.socket()
        manner = self._manners.deal()
        try:
            await sock.connect(host_and_port(self.http))
            await self._view(sock, manner)
        except OSError as error:
            self.seen[type(error).__name__] += 1
        finally:
            self.viewers -= 1
            if manner == "leaves":
                sock.close()
            else:
                vanish(sock)

    async def _view(self, sock: trio.socket.SocketType, manner: str) -> None:
        output, headers = self._outputs.deal()
        path = f"/live/s{self._names.deal()}.{output}"
        await sock.send(request_bytes("GET", path, *headers))
        answer = (await sock.recv(READ_BYTES))[9:12].decode()
        self.seen[f"answered {answer}"] += 1
        with trio.move_on_after(self._watch_s.deal()):
            while await sock.recv(READ_BYTES):  # noqa: ASYNC110  # rarely, and then all
                await trio.sleep(READ_EVERY_S)
            return
        if manner == "stalls":
            await trio.sleep(STALL_S)
