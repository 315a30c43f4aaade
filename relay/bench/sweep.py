"""The loop of a viewing process: thousands of viewers on one core, with most of it to spare.

Viewers that only discard are not waited for: they are *swept*, each once in `sweep_ms`, in slices
so that nothing else waits long.  A sweep finds everything that came in the meantime with one call
per viewer, where waiting for each arrival would cost three.  Who is still opening, and the parsed
viewers, whose bytes are timed, are waited for with epoll and looked at between slices.

Nothing here blocks but that wait, and nothing is late without being counted: a slice that begins
late was waiting for this process, and so was the data in it.
"""

import gc
import secrets
import select
import socket
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

from relay.bench.machine import CpuMeter
from relay.bench.openings import NotServed, opening
from relay.bench.plan import Figures, Tally, ViewPlan
from relay.bench.targets import TLS, Target
from relay.bench.viewers import STALL_S, Sample, Viewer
from relay.rtmp.handshake import ENTROPY_SIZE

SLICE = 64
EVENTS = 256
ARRIVALS_AT_ONCE = 16
SIGN_OF_LIFE_S = 15.0
"""Servers that ask at all ask every 20 to 60 seconds."""
TELL_S = 0.5
MAX_WAIT_S = 0.1
REMEMBERED_SLICES = 200_000


class Crowd:
    """The viewers of one process, from `begin` on."""

    def __init__(self, plan: ViewPlan, process: int, begin: float) -> None:
        self.tally = Tally()
        self._plan = plan
        self._begin = begin
        self._arrivals = deque(plan.numbers(process))
        self._parsed = plan.parsed_numbers()
        self._address = resolve(Target.parse(plan.url.replace("%", "0")))
        self._tls = _unverified() if Target.parse(plan.url).scheme in TLS else None
        self._entropy = secrets.token_bytes(ENTROPY_SIZE)
        self._epoll = select.epoll()
        self._viewers: list[Viewer] = []
        self._waited_for: dict[int, Viewer] = {}
        self._swept: list[Viewer] = []
        self._cursor = 0
        self._slice_due = begin
        self._life_due = begin + SIGN_OF_LIFE_S
        self._late_ms: deque[float] = deque(maxlen=REMEMBERED_SLICES)
        self._refusals: Counter[str] = Counter()

    def run(self, mark: Callable[[str], None], tell: Callable[[Tally], None]) -> Figures:
        """Let them arrive, warm up, measure; `mark` where the window begins and ends."""
        starts = self._begin + self._plan.ramp_s + self._plan.warm_s
        self._go_on_until(starts, tell)
        gc.freeze()
        started, cpu = self._begin_window(), CpuMeter()
        mark("measuring")
        self._go_on_until(started + self._plan.seconds, tell)
        cpu_share, ended = cpu.share(), time.monotonic()
        figures = self._figures(started, ended, cpu_share)
        mark("measured")
        return figures

    def _go_on_until(self, end: float, tell: Callable[[Tally], None]) -> None:
        told = time.monotonic()
        while (now := time.monotonic()) < end:
            self._arrive(now)
            self._sweep_due(end)
            self._show_life(now)
            if now - told > TELL_S:
                told = now
                self.tally.bytes = sum(viewer.received for viewer in self._viewers)
                tell(self.tally)
            self._look(self._wait_s(end))

    def _wait_s(self, end: float) -> float:
        now = time.monotonic()
        wait = min(end - now, MAX_WAIT_S)
        if self._swept:
            wait = min(wait, self._slice_due - now)
        if self._arrivals:
            wait = min(wait, self._begin + self._plan.arrives_s(self._arrivals[0]) - now)
        return max(0.0, wait)

    # Arriving.

    def _arrive(self, now: float) -> None:
        for _ in range(ARRIVALS_AT_ONCE):
            if not self._arrivals:
                return
            if self._begin + self._plan.arrives_s(self._arrivals[0]) > now:
                return
            self._add(self._arrivals.popleft())

    def _add(self, number: int) -> None:
        stream = self._plan.stream(number)
        target = Target.parse(self._plan.url.replace("%", str(stream)))
        family, address = self._address
        try:
            sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            self._refuse(str(error))
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sample = Sample() if number in self._parsed else None
        viewer = Viewer(
            stream, sock, opening(target, self._entropy), sample, self._tls, target.host
        )
        self._viewers.append(viewer)
        try:
            viewer.connect(address)
        except OSError as error:
            self._end(viewer, error)
            return
        self._waited_for[sock.fileno()] = viewer
        self._epoll.register(sock.fileno(), select.EPOLLOUT)

    # Reading.

    def _look(self, wait_s: float) -> None:
        """Wait for those that are waited for, and read them."""
        events = self._epoll.poll(wait_s, EVENTS)
        woken = time.monotonic()
        for fd, _ in events:
            viewer = self._waited_for[fd]
            try:
                self._read(viewer, fd)
            except BlockingIOError:
                continue
            except (NotServed, OSError) as error:
                self._end(viewer, error)
        if not self._plan.sweep_ms:
            self._late_ms.append(1000 * (time.monotonic() - woken))

    def _read(self, viewer: Viewer, fd: int) -> None:
        if viewer.is_swept:
            self._discard(viewer, time.monotonic())
            return
        if not viewer.has_tcp:
            self._epoll.modify(fd, select.EPOLLIN)
            viewer.connected()
        self._go_on(viewer, fd)

    def _go_on(self, viewer: Viewer, fd: int) -> None:
        accepted = viewer.opening.accepted
        if viewer.media_at is not None:
            viewer.go_on()
            return
        try:
            viewer.go_on()
        finally:
            self.tally.connected += viewer.opening.accepted and not accepted
        if viewer.media_at is None:
            return
        self.tally.playing += 1
        if viewer.is_swept and self._plan.sweep_ms:
            self._epoll.unregister(fd)
            del self._waited_for[fd]
            self._swept.append(viewer)

    def _discard(self, viewer: Viewer, now: float) -> None:
        size = viewer.discard()
        if not size:
            raise NotServed("the server closed the connection")
        viewer.count(size, now)

    # Sweeping.

    def _sweep_due(self, end: float) -> None:
        """Sweep the slices whose time has come, with a look at the others after each."""
        sweep_s = self._plan.sweep_ms / 1000
        while self._swept and (now := time.monotonic()) < end:
            late = now - self._slice_due
            if late < 0:
                return
            self._late_ms.append(1000 * late)
            if late > sweep_s:
                self._slice_due = now  # what is lost is lost, and counted
            self._slice_due += sweep_s * min(1.0, SLICE / len(self._swept))
            self._sweep(self._next_slice(), now)
            self._look(0)

    def _next_slice(self) -> list[Viewer]:
        if self._cursor >= len(self._swept):
            self._cursor = 0
            self._swept = [viewer for viewer in self._swept if not viewer.has_ended]
        start, self._cursor = self._cursor, self._cursor + SLICE
        return self._swept[start : self._cursor]

    def _sweep(self, viewers: Sequence[Viewer], now: float) -> None:
        """`_discard` for many: this is where a viewing process spends its life."""
        for viewer in viewers:
            try:
                size = viewer.discard()
            except BlockingIOError:
                continue
            except OSError as error:
                self._end(viewer, error)
                continue
            if not size:
                self._end(viewer, NotServed("the server closed the connection"))
                continue
            viewer.received += size
            if now - viewer.last > STALL_S:
                viewer.has_stalled = True
            viewer.last = now

    def _show_life(self, now: float) -> None:
        if now < self._life_due:
            return
        self._life_due = now + SIGN_OF_LIFE_S
        for viewer in self._viewers:
            if viewer.media_at is None or viewer.has_ended:
                continue
            try:
                viewer.say(viewer.opening.sign_of_life(viewer.received))
            except OSError as error:
                self._end(viewer, error)

    # Ending.

    def _end(self, viewer: Viewer, error: Exception) -> None:
        if viewer.has_ended:
            return
        viewer.has_ended = True
        self._waited_for.pop(viewer.sock.fileno(), None)
        viewer.sock.close()
        if viewer.opening.accepted:
            self.tally.closed += 1
        else:
            self._refuse(error.strerror if isinstance(error, OSError) else str(error))

    def _refuse(self, reason: str | None) -> None:
        self.tally.refused += 1
        self._refusals[reason or "no connection"] += 1

    # Measuring.

    def _begin_window(self) -> float:
        now = time.monotonic()
        for viewer in self._viewers:
            viewer.begin_window(now)
        self._late_ms.clear()
        self._slice_due = max(self._slice_due, now)
        return now

    def _figures(self, started: float, ended: float, cpu_share: float) -> Figures:
        viewers = self._viewers
        playing = [v for v in viewers if not v.has_ended and v.media_at is not None]
        stalled = [v for v in playing if v.has_stalled or ended - v.last > STALL_S]
        self.tally.bytes = sum(v.received - v.received_before for v in viewers)
        samples = [v.sample for v in viewers if v.sample is not None]
        continuities = [sample.continuity for sample in samples]
        return Figures(
            tally=self.tally,
            refusals=dict(self._refusals),
            seconds=ended - started,
            stalled=len(stalled),
            steady=_steady(set(playing) - set(stalled), started),
            connect_ms=_since_start(viewers, lambda v: v.connected_at),
            media_ms=_since_start(viewers, lambda v: v.media_at),
            keyframe_ms=_since_start(viewers, lambda v: v.sample.keyframe_at if v.sample else None),
            parsed=len(samples),
            frames=sum(c.seen for c in continuities),
            lost=sum(c.lost for c in continuities),
            out_of_order=sum(c.out_of_order for c in continuities),
            latency_ms=[value for sample in samples for value in sample.latencies_ms],
            machines=sorted(set().union(*(sample.machines for sample in samples))),
            late_ms=list(self._late_ms),
            cpu_share=cpu_share,
        )


def _steady(viewers: set[Viewer], started: float) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for viewer in viewers:
        if viewer.media_at is not None and viewer.media_at <= started:
            size = viewer.received - viewer.received_before
            found.setdefault(str(viewer.stream), []).append(size)
    return found


def _since_start(
    viewers: Sequence[Viewer], moment: Callable[[Viewer], float | None]
) -> list[float]:
    times = ((moment(viewer), viewer.started_at) for viewer in viewers)
    return [1000 * (then - start) for then, start in times if then is not None]


def resolve(target: Target) -> tuple[int, Any]:
    """An address of a host.  Raises `OSError`.

    IPv4 where there is a choice: many servers listen on it alone, and `localhost` is both.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


def _unverified() -> ssl.SSLContext:
    """Load is made for one's own server, whose certificate may be its own as well."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
