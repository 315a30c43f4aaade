"""The world outside in memory: wires, listeners, clocks and faults, all by one seed.

A wire is two pipes of bounded size.  What makes real connections hard happens here on purpose: a
send takes part of what it is given, a reader pauses until everything is full, a peer resets.
"""

import errno
import functools
import random
from collections.abc import Awaitable, Callable
from typing import ParamSpec

import attrs
import trio
from support.memory_disk import MemoryDisk
from support.outside import MemoryOutside
from trio.lowlevel import ParkingLot
from trio.testing import MockClock

from relay.errors import WireBroken
from relay.ports import Ports

Parameters = ParamSpec("Parameters")

CAPACITY = 64 * 1024
CPU_STEP_S = 20e-6


@attrs.frozen(kw_only=True)
class Faults:
    """What one side of a connection suffers; chances are from 0 to 1."""

    short_send: float = 0.0
    """That a send to it takes only a part."""
    stall: float = 0.0
    """That it pauses before a read, for `stall_s`."""
    stall_s: float = 0.0
    reset: float = 0.0
    """That it resets the connection instead of reading."""
    close: float = 0.0
    """That it closes the connection instead of reading."""
    capacity: int = CAPACITY
    """Bytes that wait unread before a send to it is refused."""


FAULTLESS = Faults()


@attrs.define(eq=False)
class Occurred:
    """How often each fault really happened."""

    short_sends: int = 0
    refused_sends: int = 0
    stalls: int = 0
    resets: int = 0
    closes: int = 0


@attrs.define(eq=False)
class _Pipe:
    """One direction."""

    capacity: int
    buffer: bytearray = attrs.field(factory=bytearray)
    finished: bool = False
    """The writer has said that there is no more."""
    deaf: bool = False
    """The reader is gone."""
    broken: bool = False
    """The connection was reset."""
    changed: ParkingLot = attrs.field(factory=ParkingLot)


@attrs.define(eq=False)
class MemoryWire:
    """One end of a connection, as `relay.ports.Wire`."""

    peer: str
    incoming: _Pipe
    outgoing: _Pipe
    short_sends: float
    """Chance that a send of ours is short."""
    faults: Faults
    """What happens when we read."""
    occurred: Occurred
    _random: random.Random
    unsent_allowance: int = 0
    is_closed: bool = False

    async def start(self) -> None:
        await trio.lowlevel.checkpoint()

    def send_nowait(self, data: bytes | memoryview, /) -> int:
        pipe = self.outgoing
        if self.is_closed or pipe.finished:
            raise OSError(errno.EPIPE, "we have closed")
        if pipe.broken or pipe.deaf:
            raise ConnectionResetError(errno.ECONNRESET, "the peer has closed")
        size = min(len(data), pipe.capacity - len(pipe.buffer))
        if size <= 0 and len(data):
            self.occurred.refused_sends += 1
            raise BlockingIOError
        if size > 1 and self.short_sends and self._random.random() < self.short_sends:
            size = self._random.randint(1, size - 1)
        self.occurred.short_sends += size < len(data)
        pipe.buffer += data[:size]
        pipe.changed.unpark_all()
        return size

    async def send_all(self, data: bytes) -> None:
        """For clients: wait until everything is on its way."""
        sent = 0
        while sent < len(data):
            await self.wait_writable()
            try:
                sent += self.send_nowait(memoryview(data)[sent:])
            except OSError as error:
                raise WireBroken(str(error)) from error

    async def wait_writable(self) -> None:
        await trio.lowlevel.checkpoint()
        pipe = self.outgoing
        while len(pipe.buffer) >= pipe.capacity and not (pipe.broken or pipe.deaf):
            self._check_open()
            await pipe.changed.park()
        self._check_open()

    async def receive_some(self, max_bytes: int, /) -> bytes:
        await self.wait_readable()
        return self.receive_nowait(max_bytes)

    async def wait_readable(self) -> None:
        await trio.lowlevel.checkpoint()
        await self._suffer()
        pipe = self.incoming
        while not pipe.buffer and not pipe.finished and not pipe.broken:
            self._check_open()
            await pipe.changed.park()
        self._check_open()

    def receive_nowait(self, max_bytes: int, /) -> bytes:
        pipe = self.incoming
        self._check_open()
        if pipe.broken:
            raise WireBroken("the peer has reset the connection")
        if not pipe.buffer and not pipe.finished:
            raise BlockingIOError
        data = bytes(pipe.buffer[:max_bytes])
        del pipe.buffer[:max_bytes]
        pipe.changed.unpark_all()
        return data

    def unread_bytes(self) -> int:
        return len(self.outgoing.buffer)

    def allow_unsent(self, n: int, /) -> None:
        self.unsent_allowance = n

    def finish(self) -> None:
        self.outgoing.finished = True
        self.outgoing.changed.unpark_all()

    def close(self) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        self.incoming.deaf = True
        self.incoming.changed.unpark_all()
        self.finish()

    def abort(self) -> None:
        if not self.is_closed:
            self.incoming.broken = self.outgoing.broken = True
        self.close()

    async def _suffer(self) -> None:
        """Stall, or end, as the seed has it."""
        faults, chance = self.faults, self._random.random
        if faults.reset and chance() < faults.reset:
            self.occurred.resets += 1
            self.abort()
        elif faults.close and chance() < faults.close:
            self.occurred.closes += 1
            self.close()
        elif faults.stall and chance() < faults.stall:
            self.occurred.stalls += 1
            await trio.sleep(faults.stall_s)

    def _check_open(self) -> None:
        if self.is_closed:
            raise WireBroken("we have closed")


def memory_wires(
    faults: Faults = FAULTLESS, *, seed: int = 0, occurred: Occurred | None = None
) -> tuple[MemoryWire, MemoryWire]:
    """A connection: the server's end, and the client's, whose `faults` these are."""
    occurred = Occurred() if occurred is None else occurred
    down, up = _Pipe(faults.capacity), _Pipe(CAPACITY)
    chance = random.Random(seed)
    server = MemoryWire("192.0.2.1:1", up, down, faults.short_send, FAULTLESS, occurred, chance)
    client = MemoryWire("198.51.100.1:80", down, up, 0.0, faults, occurred, chance)
    return server, client


@attrs.define(eq=False)
class MemoryListener:
    """Accepts what `MemoryNetwork.connect` makes."""

    address: str
    _arrivals: trio.MemorySendChannel[MemoryWire] = attrs.field(init=False)
    _accepted: trio.MemoryReceiveChannel[MemoryWire] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._arrivals, self._accepted = trio.open_memory_channel[MemoryWire](1024)

    async def accept(self) -> MemoryWire:
        return await self._accepted.receive()

    def accept_nowait(self) -> MemoryWire:
        try:
            return self._accepted.receive_nowait()
        except trio.WouldBlock as error:
            raise BlockingIOError from error

    def arrive(self, wire: MemoryWire) -> None:
        try:
            self._arrivals.send_nowait(wire)
        except trio.BrokenResourceError as error:
            raise WireBroken("nobody listens here any more") from error

    def close(self) -> None:
        self._accepted.close()


@attrs.define(eq=False)
class MemoryNetwork:
    """`relay.ports.Network` without a kernel."""

    _random: random.Random
    occurred: Occurred = attrs.field(factory=Occurred, init=False)
    _listeners: dict[str, MemoryListener] = attrs.field(factory=dict, init=False)
    _connections: int = attrs.field(default=0, init=False)

    async def listen(self, address: str, *, tls: bool) -> MemoryListener:
        await trio.lowlevel.checkpoint()
        listener = MemoryListener(f"198.51.100.1:{len(self._listeners) + 1}")
        self._listeners[listener.address] = listener
        return listener

    async def connect(self, address: str, faults: Faults = FAULTLESS) -> MemoryWire:
        await trio.lowlevel.checkpoint()
        listener = self._listeners.get(address)
        if listener is None:
            raise WireBroken("nobody listens here")
        self._connections += 1
        seed = self._random.getrandbits(64)
        server, client = memory_wires(faults, seed=seed, occurred=self.occurred)
        server.peer, client.peer = f"192.0.2.1:{self._connections}", address
        listener.arrive(server)
        return client


@attrs.define(eq=False)
class SteadyCpu:
    """A CPU meter: every look at it costs the same."""

    _now: float = 0.0

    def __call__(self) -> float:
        self._now += CPU_STEP_S
        return self._now


def ports(
    seed: int,
    network: MemoryNetwork | None = None,
    outside: MemoryOutside | None = None,
    disk: MemoryDisk | None = None,
) -> Ports:
    """A whole world by one seed; time is Trio's, which tests replace."""
    chance = random.Random(seed)
    return Ports(
        monotonic=trio.current_time,
        wall=lambda: 1_700_000_000 + trio.current_time(),
        cpu=SteadyCpu(),
        random=chance,
        network=MemoryNetwork(random.Random(seed)) if network is None else network,
        outside=MemoryOutside() if outside is None else outside,
        disk=MemoryDisk() if disk is None else disk,
    )


def in_virtual_time(test: Callable[Parameters, Awaitable[None]]) -> Callable[Parameters, None]:
    """Run a test on a clock that jumps to the next deadline whenever nobody has anything to do."""

    @functools.wraps(test)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        trio.run(functools.partial(test, *args, **kwargs), clock=MockClock(autojump_threshold=0))

    return run
