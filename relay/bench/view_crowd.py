"""The viewers of one viewing process: how they arrive, and what each of them reads.

Most are swept (`sweep`), and throw away what they read.  Who is still opening, and the parsed
viewers, whose bytes are timed, are waited for.
"""

import gc
import secrets
import socket
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from relay.bench.machine import CpuMeter
from relay.bench.openings import NotServed, opening
from relay.bench.plan import Figures, Tally, ViewPlan
from relay.bench.sweep import Sweep, resolve
from relay.bench.targets import TLS, Target
from relay.bench.viewers import STALL_S, Sample, Viewer
from relay.rtmp.handshake import ENTROPY_SIZE

ARRIVALS_AT_ONCE = 16
SIGN_OF_LIFE_S = 15.0
"""Servers that ask at all ask every 20 to 60 seconds.  Each viewer counts from its own arrival, as
people do: ten thousand words in one moment are an attack, and no audience.
"""
PATIENCE_S = 30.0
"""For those who have arrived, to play or to be refused."""
TELL_S = 0.5
MAX_WAIT_S = 0.1


class Crowd:
    """The viewers of one process, from `begin` on."""

    def __init__(self, plan: ViewPlan, process: int, begin: float) -> None:
        self.tally = Tally()
        self._plan = plan
        self._begin = begin
        self._arrivals = deque(plan.numbers(process))
        self._unsettled = len(self._arrivals)
        """How many neither play nor are refused yet."""
        self._parsed = plan.parsed_numbers()
        self._address = resolve(Target.parse(plan.url.replace("%", "0")))
        self._tls = _unverified() if Target.parse(plan.url).scheme in TLS else None
        self._entropy = secrets.token_bytes(ENTROPY_SIZE)
        self._viewers: list[Viewer] = []
        self._sweep = Sweep(self, plan.sweep_ms, begin, lambda viewer: viewer.has_ended)
        self._lives: deque[tuple[float, Viewer]] = deque()
        """Who shows next that it is there, and when."""
        self._refusals: Counter[str] = Counter()

    def run(self, mark: Callable[[str], None], tell: Callable[[Tally], None]) -> Figures:
        """Let them arrive, warm up, measure; `mark` where the window begins and ends."""
        arrived = self._begin + self._plan.ramp_s
        self._go_on_until(arrived + PATIENCE_S, tell, lambda: not self._unsettled)
        self._go_on_until(max(arrived, time.monotonic()) + self._plan.warm_s, tell)
        gc.freeze()
        started, cpu = self._begin_window(), CpuMeter()
        mark("measuring")
        self._go_on_until(started + self._plan.seconds, tell)
        cpu_share, ended = cpu.share(), time.monotonic()
        figures = self._figures(started, ended, cpu_share)
        mark("measured")
        return figures

    def _go_on_until(
        self,
        end: float,
        tell: Callable[[Tally], None],
        is_done: Callable[[], bool] = lambda: False,
    ) -> None:
        told = time.monotonic()
        while (now := time.monotonic()) < end and not is_done():
            self._arrive(now)
            self._sweep.go_on(end, self._look)
            self._show_life(now)
            if now - told > TELL_S:
                told = now
                self.tally.bytes = sum(viewer.received for viewer in self._viewers)
                tell(self.tally)
            self._look(self._wait_s(end))

    def _wait_s(self, end: float) -> float:
        now = time.monotonic()
        wait = self._sweep.wait_s(now, min(end - now, MAX_WAIT_S))
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
            self._unsettled -= 1
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
            self.end(viewer, error)
            return
        self._sweep.wait_for(viewer, sock.fileno())

    # Reading.

    def _look(self, wait_s: float) -> None:
        took = self._sweep.look(wait_s)
        if not self._plan.sweep_ms:
            self._sweep.late_ms.append(1000 * (took or 0.0))

    def read(self, viewer: Viewer, fd: int) -> None:
        """One that was waited for."""
        if viewer.is_swept:
            self._discard(viewer, time.monotonic())
            return
        if not viewer.has_tcp:
            self._sweep.connected(fd)
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
        self._unsettled -= 1
        self._lives.append((viewer.media_at + SIGN_OF_LIFE_S, viewer))
        if viewer.is_swept and self._plan.sweep_ms:
            self._sweep.add(viewer, fd)

    def _discard(self, viewer: Viewer, now: float) -> None:
        size = viewer.discard()
        if not size:
            raise NotServed("the server closed the connection")
        viewer.count(size, now)

    def sweep(self, viewers: Sequence[Viewer], now: float) -> None:
        """`_discard` for many: this is where a viewing process spends its life."""
        for viewer in viewers:
            try:
                size = viewer.discard()
            except BlockingIOError:
                continue
            except OSError as error:
                self.end(viewer, error)
                continue
            if not size:
                self.end(viewer, NotServed("the server closed the connection"))
                continue
            viewer.received += size
            if now - viewer.last > STALL_S:
                viewer.has_stalled = True
            viewer.last = now

    def _show_life(self, now: float) -> None:
        while self._lives and self._lives[0][0] <= now:
            _, viewer = self._lives.popleft()
            if viewer.has_ended:
                continue
            self._lives.append((now + SIGN_OF_LIFE_S, viewer))
            try:
                viewer.say(viewer.opening.sign_of_life(viewer.received))
            except OSError as error:
                self.end(viewer, error)

    # Ending.

    def end(self, viewer: Viewer, error: Exception) -> None:
        """It is over, for this reason."""
        if viewer.has_ended:
            return
        viewer.has_ended = True
        self._unsettled -= viewer.media_at is None
        self._sweep.forget(viewer.sock.fileno())
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
        self._sweep.begin_window(now)
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
            late_ms=list(self._sweep.late_ms),
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


def _unverified() -> ssl.SSLContext:
    """Load is made for one's own server, whose certificate may be its own as well."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
