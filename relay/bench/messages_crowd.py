"""The subscribers of one process: how they arrive, and what each of them reads.

Most are swept (`sweep`); here all that comes is read, and `messages_stamps` says why that is cheap.
Who is opening, who is parsed and who is idle is waited for.

A *storm* is the other thing that a crowd can do: it cuts all its connections at one moment, comes
back as quickly as the server takes it, a few hundred at a time, and recovers.
"""

import gc
import secrets
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from relay.bench.machine import CpuMeter
from relay.bench.messages_dialects import Dialect
from relay.bench.messages_plan import MessagesPlan, MessagesTally, SubscriberFigures
from relay.bench.messages_stamps import Reader
from relay.bench.messages_subscriber import READ_BYTES, Subscriber
from relay.bench.openings import NotServed
from relay.bench.sweep import Sweep, resolve
from relay.bench.targets import Target

OPENING_AT_ONCE = 256
TELL_S = 0.5
MAX_WAIT_S = 0.1
STORM_S = 120.0
"""How long it may take until everybody is there, and there again."""


class Subscribers:
    """The subscribers of one process, from `begin` on."""

    def __init__(self, plan: MessagesPlan, process: int, begin: float) -> None:
        self.tally = MessagesTally()
        self._plan = plan
        self._begin = begin
        self._dialect = Dialect(plan, secrets.token_bytes(16))
        parsed = plan.parsed_numbers()
        self._subscribers = [
            Subscriber(number, number in parsed, plan.is_idle(number))
            for number in plan.numbers(process)
        ]
        self._arrivals = deque(self._subscribers)
        self._family, self._address = resolve(Target.parse(plan.url.replace("%", "0")))
        self._reader = Reader()
        self._sweep = Sweep(self, plan.sweep_ms, begin, lambda one: one.open_at is None)
        self._opening = 0
        self._refusals: Counter[str] = Counter()
        self._cut_at: float | None = None
        self._recover_ms: list[float] = []
        self._unrecovered = 0

    def run(
        self, mark: Callable[[str], None], tell: Callable[[MessagesTally], None]
    ) -> SubscriberFigures:
        """Let them arrive, warm up, measure; `mark` where the window begins and ends."""
        self._go_on_until(self._begin + self._plan.window_s, tell)
        if self._plan.reconnect:
            # Who comes for the first time in a storm has nothing to recover.
            self._go_on_until(time.monotonic() + STORM_S, tell, self._has_everybody)
        gc.freeze()
        started, cpu = self._begin_window(), CpuMeter()
        mark("measuring")
        if self._plan.reconnect:
            self._storm(tell)
        else:
            self._go_on_until(started + self._plan.seconds, tell)
        cpu_share, ended = cpu.share(), time.monotonic()
        figures = self._figures(ended - started, cpu_share)
        mark("measured")
        return figures

    def _go_on_until(
        self,
        end: float,
        tell: Callable[[MessagesTally], None],
        is_done: Callable[[], bool] = lambda: False,
    ) -> None:
        told = time.monotonic()
        while (now := time.monotonic()) < end and not is_done():
            self._arrive(now)
            self._sweep.go_on(end, self._look)
            if now - told > TELL_S:
                told = now
                self.tally.messages = sum(one.messages for one in self._subscribers)
                tell(self.tally)
            self._look(self._wait_s(end))

    def _wait_s(self, end: float) -> float:
        now = time.monotonic()
        wait = self._sweep.wait_s(now, min(end - now, MAX_WAIT_S))
        if self._arrivals and self._opening < OPENING_AT_ONCE:
            wait = min(wait, self._arrives_at(self._arrivals[0]) - now)
        return max(0.0, wait)

    # Arriving.

    def _arrives_at(self, subscriber: Subscriber) -> float:
        if self._cut_at is not None:
            return self._cut_at
        return self._begin + self._plan.arrives_s(subscriber.number)

    def _arrive(self, now: float) -> None:
        while self._arrivals and self._opening < OPENING_AT_ONCE:
            if self._arrives_at(self._arrivals[0]) > now:
                return
            self._add(self._arrivals.popleft())

    def _add(self, subscriber: Subscriber) -> None:
        try:
            sock = self._socket(subscriber.number)
        except OSError as error:
            self._refuse(str(error))
            return
        opening = self._dialect.opening(subscriber.number, subscriber.seat)
        self._opening += 1
        try:
            subscriber.connect(opening, sock, self._address)
        except OSError as error:
            self.end(subscriber, error)
            return
        self._sweep.wait_for(subscriber, sock.fileno())

    def _socket(self, number: int) -> socket.socket:
        sock = socket.socket(self._family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        source = self._dialect.source(self._address, number)
        if source is not None:
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
        return sock

    # Reading.

    def _look(self, wait_s: float) -> None:
        took = self._sweep.look(wait_s)
        if took is not None and self._sweep.is_idle:
            self._sweep.late_ms.append(1000 * took)

    def read(self, subscriber: Subscriber, fd: int) -> None:
        """One that was waited for."""
        if not subscriber.has_tcp:
            self._sweep.connected(fd)
            subscriber.connected()
            return
        was_open = subscriber.open_at is not None
        subscriber.receive(self._reader)
        if not was_open and subscriber.open_at is not None:
            self._opened(subscriber, fd)

    def _opened(self, subscriber: Subscriber, fd: int) -> None:
        self._opening -= 1
        self.tally.subscribed += 1
        if self._cut_at is not None:
            self._recover_ms.append(1000 * (time.monotonic() - self._cut_at))
            self._unrecovered += not subscriber.opening.is_recovered
        is_waited_for = subscriber.is_parsed or subscriber.is_idle
        if not is_waited_for and self._plan.sweep_ms and not self._plan.reconnect:
            self._sweep.add(subscriber, fd)

    def sweep(self, subscribers: Sequence[Subscriber], now: float) -> None:
        """All that has come to each of them."""
        reader = self._reader
        for subscriber in subscribers:
            try:
                data = subscriber.sock.recv(READ_BYTES)
                if not data:
                    raise NotServed("the server closed the connection")
                subscriber.take(data, reader)
            except BlockingIOError:
                continue
            except (NotServed, OSError) as error:
                self.end(subscriber, error)

    # Ending.

    def end(self, subscriber: Subscriber, error: Exception) -> None:
        """It is over, for this reason."""
        self._sweep.forget(subscriber.sock.fileno())
        subscriber.sock.close()
        if subscriber.open_at is None:
            self._opening -= 1
            self._refuse(error.strerror if isinstance(error, OSError) else str(error))
        else:
            subscriber.open_at = None
            self.tally.subscribed -= 1
            self.tally.closed += 1
            self._refusals[str(error)] += 1

    def _refuse(self, reason: str | None) -> None:
        self.tally.refused += 1
        self._refusals[reason or "no connection"] += 1

    # A storm.

    def _storm(self, tell: Callable[[MessagesTally], None]) -> None:
        self._cut_at = time.monotonic()
        cut = [one for one in self._subscribers if one.open_at is not None]
        for subscriber in cut:
            self._sweep.forget(subscriber.sock.fileno())
            subscriber.cut()
        self.tally.subscribed -= len(cut)
        self._arrivals.extend(cut)
        self._go_on_until(self._cut_at + STORM_S, tell, self._has_everybody)

    def _has_everybody(self) -> bool:
        return not self._arrivals and not self._opening

    # Measuring.

    def _begin_window(self) -> float:
        now = time.monotonic()
        for subscriber in self._subscribers:
            subscriber.begin_window()
        self._sweep.begin_window(now)
        return now

    def _figures(self, seconds: float, cpu_share: float) -> SubscriberFigures:
        all_of_them = self._subscribers
        self.tally.messages = sum(one.messages for one in all_of_them)
        return SubscriberFigures(
            tally=self.tally,
            refusals=dict(self._refusals),
            seconds=seconds,
            bytes=sum(one.received for one in all_of_them),
            subscribe_ms=[_opened_ms(one) for one in all_of_them if one.open_at is not None],
            lost=sum(one.lost for one in all_of_them),
            repeated=sum(one.repeated for one in all_of_them),
            unrecovered=self._unrecovered,
            recover_ms=self._recover_ms,
            latency_ms=[value for one in all_of_them for value in one.latencies_ms],
            machines=sorted(set().union(*(one.machines for one in all_of_them))),
            late_ms=list(self._sweep.late_ms),
            cpu_share=cpu_share,
        )


_IP_BIND_ADDRESS_NO_PORT = 24
"""ip(7): the port is chosen by `connect`, so that each may serve once for every address."""


def _opened_ms(subscriber: Subscriber) -> float:
    assert subscriber.open_at is not None
    return 1000 * (subscriber.open_at - subscriber.started_at)
