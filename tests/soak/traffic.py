"""Publishers and viewers who come and go, over real sockets, as they do: politely, or not at all.

The dice are loaded by one seed, so that two runs differ by the machine alone.
"""

import random
import socket
import struct
import time
from collections import Counter

import attrs
import trio
from support.http_client import UPGRADE, request_bytes

from relay.bench.machine import machine_id
from relay.bench.phases import Phase, Shape, Source
from relay.errors import RelayError
from relay.fanout.wire import connect_tcp
from relay.ports import Wire
from relay.publishing import Publisher, open_publisher

KBITS = 300
ON_AIR_S = (15.0, 60.0)
AWAY_S = (1.0, 45.0)
"""Some return within the 30 s that viewers are held, some do not."""
WATCH_S = 8.0
"""On average."""
STALL_S = 40.0
"""Longer than a server has to put up with."""
READ_EVERY_S = 0.1
READ_BYTES = 256 * 1024
OUTPUTS = (("flv", ()), ("mp4", ()), ("flv", UPGRADE), ("mp4", UPGRADE))
MANNERS = {"leaves": 6, "vanishes": 3, "stalls": 1}
"""How a viewer ends, and how many of ten do so."""
RUDE_PUBLISHERS = 1 / 3
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
class Traffic:
    """Everybody who comes to one server.  `run` it once; `stop` sends everybody away."""

    rtmp: str
    http: str
    publishers: int
    joins_per_s: float
    dice: random.Random = attrs.field(factory=lambda: random.Random(1), init=False)
    viewers: int = attrs.field(default=0, init=False)
    joins: int = attrs.field(default=0, init=False)
    publications: int = attrs.field(default=0, init=False)
    seen: Counter[str] = attrs.field(factory=Counter, init=False)
    """How viewers were answered, and what became of publications."""
    _source: Source = attrs.field(
        factory=lambda: Source(Shape(kbit_per_s=KBITS, fps=30, gop_s=2)), init=False
    )

    async def run(self) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            for number in range(self.publishers):
                nursery.start_soon(self._publish_again_and_again, number)
            while True:
                nursery.start_soon(self._watch)
                await trio.sleep(self.dice.expovariate(self.joins_per_s))

    # Publishers.

    async def _publish_again_and_again(self, number: int) -> None:
        await trio.sleep(self.dice.random())
        while True:
            try:
                await self._publish(number, self.dice.uniform(*ON_AIR_S))
            except RelayError as error:
                self.seen[f"publication: {error}"] += 1
            await trio.sleep(self.dice.uniform(*AWAY_S))

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
            if self.dice.random() < RUDE_PUBLISHERS:
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
        (manner,) = self.dice.choices(list(MANNERS), list(MANNERS.values()))
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
        output, headers = self.dice.choice(OUTPUTS)
        name = f"s{self.dice.randrange(self.publishers)}"
        await sock.send(request_bytes("GET", f"/live/{name}.{output}", *headers))
        answer = (await sock.recv(READ_BYTES))[9:12].decode()
        self.seen[f"answered {answer}"] += 1
        with trio.move_on_after(self.dice.expovariate(1 / WATCH_S)):
            while await sock.recv(READ_BYTES):  # noqa: ASYNC110  # rarely, and then all
                await trio.sleep(READ_EVERY_S)
            return
        if manner == "stalls":
            await trio.sleep(STALL_S)
