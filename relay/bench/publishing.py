"""Many paced publishers in one process.

Each publisher has two tasks, which sleep: one waits for what the server says, one for the end.  All
of them are written to by one *ticker*, which walks through the frames of all phases as they come
due.  A publisher joins its phase at the phase's next keyframe, behind the configurations, as if it
had only now begun to encode.
"""

import heapq
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack

import attrs
import trio

from relay.bench.distribution import Distribution
from relay.bench.limits import limits
from relay.bench.machine import CpuMeter, machine_id
from relay.bench.phases import Moment, Phase, Shape, Source, chunks, spread
from relay.bench.picture import HEIGHT, WIDTH
from relay.bench.report import PublishReport
from relay.errors import RelayError
from relay.identity.redact import redact
from relay.packet import Packet
from relay.publishing import CHUNK_SIZE, Publisher, open_publisher

OPENING_AT_ONCE = 64
"""Handshakes under way: enough to be quick, too few to look like an attack."""
LATE_SHARE = 1 / 3
"""Of a frame's time: later than that, viewers' figures are the publisher's."""
REMEMBERED_TICKS = 100_000
"""A run may last for days."""


@attrs.define(eq=False)
class Sender:
    """One publisher that is on air, or about to be."""

    publisher: Publisher
    stream_id: int
    on_air: trio.Event = attrs.field(factory=trio.Event)
    ended: trio.Event = attrs.field(factory=trio.Event)
    is_lost: bool = False

    def lose(self) -> None:
        """The server has ended it, or is gone."""
        self.is_lost = True
        self.ended.set()


@attrs.define(eq=False)
class Group:
    """A phase and who sends it."""

    phase: Phase
    waiting: list[Sender] = attrs.field(factory=list)
    """For a keyframe."""
    senders: list[Sender] = attrs.field(factory=list)

    def send(self, packet: Packet) -> tuple[int, int]:
        """Send a frame to everybody; how many writes and bytes left."""
        if packet.is_keyframe and self.waiting:
            self._begin(self.phase.source.configurations(packet.dts))
        writes, size = _send(self.senders, [packet])
        if writes < len(self.senders):
            self.senders = [sender for sender in self.senders if not sender.is_lost]
        return writes, size

    def moments(self) -> Iterator[tuple[Moment, "Group"]]:
        return ((moment, self) for moment in self.phase.moments())

    def _begin(self, start: list[Packet]) -> None:
        newcomers, self.waiting = self.waiting, []
        _send(newcomers, start)
        for sender in newcomers:
            sender.on_air.set()
        self.senders += newcomers


def _send(senders: list[Sender], packets: list[Packet]) -> tuple[int, int]:
    """One write each; how many went well, and how many bytes that was."""
    encoded: dict[int, bytes] = {}
    writes = size = 0
    for sender in senders:
        stream_id = sender.stream_id
        data = encoded.get(stream_id)
        if data is None:
            data = encoded[stream_id] = chunks(packets, stream_id, CHUNK_SIZE)
        try:
            sender.publisher.write_nowait(data)
        except RelayError:
            sender.lose()
            continue
        writes += 1
        size += len(data)
    return writes, size


@attrs.define
class Window:
    """What has been sent since all publish."""

    started: float = attrs.field(factory=trio.current_time)
    cpu: CpuMeter = attrs.field(factory=CpuMeter)
    bytes: int = 0
    messages: int = 0
    ticks: int = 0
    late_ms: deque[float] = attrs.field(factory=lambda: deque(maxlen=REMEMBERED_TICKS))

    def add(self, messages: int, size: int, late_ms: float) -> None:
        self.ticks += 1
        self.messages += messages
        self.bytes += size
        self.late_ms.append(late_ms)


@attrs.frozen
class PublishProgress:
    """How far it has come."""

    publishing: int
    refused: int
    lost: int
    bytes: int


class Publishing:
    """The publishers of one process.  Made within Trio, to be run once."""

    def __init__(self, url: str, streams: int, shape: Shape) -> None:
        """`%` in `url` is a publisher's number.

        Raises:
            ConfigError: the bit rate is too low for the frame rate.
        """
        self._url = url
        self._streams = streams
        self._fps = shape.fps
        self._groups = [Group(phase) for phase in spread(streams, Source(shape))]
        self._opening = trio.CapacityLimiter(OPENING_AT_ONCE)
        self._senders: list[Sender] = []
        self._refusals: Counter[str] = Counter()
        self._started = trio.current_time()
        self._connect_s = 0.0
        self._window = Window()
        self._stopping = trio.CancelScope()

    async def run(self, seconds: float, on_air: Callable[[int], None]) -> PublishReport:
        """Publish, call `on_air` when all do who can, and go on for `seconds`, or until `stop`."""
        async with trio.open_nursery() as ticking, trio.open_nursery() as publishers:
            ticking.start_soon(self._tick)
            with self._stopping:
                await self._open(publishers)
                if self._senders:
                    on_air(len(self._senders))
                    self._window = Window()
                    await trio.sleep(seconds)
            report = self.report()
            ticking.cancel_scope.cancel()
            for sender in self._senders:
                sender.ended.set()
        return report

    def stop(self) -> None:
        self._stopping.cancel()

    def _limits(self, cpu_share: float, late_ms: Distribution | None) -> list[str]:
        if not self._senders:
            return []  # nothing was measured
        return limits("ticks", [cpu_share], late_ms, LATE_SHARE * 1000 / self._fps)

    def progress(self) -> PublishProgress:
        """Cheap enough to be asked for all the time."""
        refused = self._refusals.total()
        return PublishProgress(len(self._senders), refused, self._lost, self._window.bytes)

    @property
    def _lost(self) -> int:
        return sum(sender.is_lost for sender in self._senders)

    async def _open(self, publishers: trio.Nursery) -> None:
        async with trio.open_nursery() as openings:
            for number in range(self._streams):
                openings.start_soon(publishers.start, self._publish, number)

    async def _publish(
        self, number: int, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """One publisher, which has started when it is on air or refused."""
        async with AsyncExitStack() as stack:
            try:
                async with self._opening:
                    publisher = await self._opened(stack, number)
            except RelayError as error:
                self._refusals[str(error)] += 1
                task_status.started()
                return
            sender = Sender(publisher, publisher.stream_id)
            self._connect_s = trio.current_time() - self._started
            self._senders.append(sender)
            self._groups[number % len(self._groups)].waiting.append(sender)
            await sender.on_air.wait()
            task_status.started()
            await sender.ended.wait()

    async def _opened(self, stack: AsyncExitStack, number: int) -> Publisher:
        url = self._url.replace("%", str(number))
        publisher = await stack.enter_async_context(open_publisher(url))
        await publisher.send_metadata(
            {
                "encoder": "relay bench",
                "width": float(WIDTH),
                "height": float(HEIGHT),
                "framerate": self._fps,
                "videocodecid": 7.0,
                "audiocodecid": 10.0,
            }
        )
        return publisher

    async def _tick(self) -> None:
        machine, begin = machine_id(), trio.current_time()
        moments = heapq.merge(
            *(group.moments() for group in self._groups), key=lambda pair: pair[0].due_s
        )
        for moment, group in moments:
            due = begin + moment.due_s
            await trio.sleep_until(due)
            late_ms = 1000 * (trio.current_time() - due)
            packet = group.phase.packet(moment, machine, time.monotonic_ns() // 1000)
            messages, size = group.send(packet)
            self._window.add(messages, size, late_ms)

    def report(self) -> PublishReport:
        """The figures so far."""
        window = self._window
        seconds = trio.current_time() - window.started
        cpu_share, late_ms = window.cpu.share(), Distribution.of(window.late_ms)
        return PublishReport(
            url=redact(self._url),
            streams=self._streams,
            publishing=len(self._senders),
            refused=self._refusals.total(),
            refusals=dict(self._refusals),
            lost=self._lost,
            backlogged=sum(s.publisher.statistics().short_sends > 0 for s in self._senders),
            connect_s=self._connect_s,
            seconds=seconds,
            bytes=window.bytes,
            messages=window.messages,
            ticks=window.ticks,
            late_ms=late_ms,
            cpu_share=cpu_share,
            limits=self._limits(cpu_share, late_ms),
        )
