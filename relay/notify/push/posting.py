"""Pushes on their way: a queue for each push service, and somebody who carries it.

    agenda: service -> when --due--> a few workers: queue --pace--> encrypt --> client --> judge
                 ^                                                                  |
                 +------------------- store: what became of each <------------------+

A queue is in the store; in memory is of each service when it is to be asked next, and a small batch
while it is.  A service is one task with a few workers (`outbound.connections_per_host`), so one
that hangs holds up its own queue and no other.  All of them take turns by one pace (`push.per_s`):
it bounds how fast an audience arrives, and what all this may cost whoever is on air, because every
push is encrypted, 0.13 ms, in its own turn.

What became of a batch is in the store before the next is taken.  A crash between has that batch
sent again, with the same event's id, by which a device shows it once.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from math import inf

import attrs
import structlog
import trio

from relay.notify.agenda import Agenda
from relay.notify.push.air import Air, RunningWave
from relay.notify.push.encryption import SALT_BYTES, SCALAR_ENTROPY_BYTES, encrypt, private_key
from relay.notify.push.judging import TOO_LARGE, Fate, Verdict, judge
from relay.notify.push.pace import Pace
from relay.notify.push.services import Services
from relay.notify.push.subscribing import service_of
from relay.notify.push.vapid import Signatures
from relay.notify.schedule import Outcome
from relay.outbound.client import Client
from relay.outbound.exchange import Answer
from relay.outbound.failures import OutboundError
from relay.outbound.line import Line
from relay.ports import Ports
from relay.store.committing import commit
from relay.store.contract import Store, StoreUnavailable
from relay.store.push import (
    DropPushSubscription,
    DuePush,
    FinishedPush,
    FinishPushes,
    PushChange,
    RetryPush,
)
from relay.store.writer import Writer

log = structlog.get_logger("relay.push")

BATCH = 16
"""Pushes between two looks at the store; so many devices a crash may have told twice."""
SERVICES_AT_ONCE = 256
"""Whoever makes up a service for each device gets no more tasks than this."""
LONGEST_SLEEP_S = 300.0
"""The wall clock may be set meanwhile."""
TRY_STORE_AGAIN_S = 5.0
URGENCY = "high"
"""A broadcast does not wait until the phone is charged (RFC 8030, 5.3)."""


@attrs.define(eq=False)
class Posting:
    """See the head of this module."""

    _ports: Ports
    _store: Store
    _writer: Writer
    _client: Client
    _signatures: Signatures
    _air: Air
    _pace: Pace
    _workers: int
    """For each service."""
    _services: Services = attrs.field(factory=Services, init=False)
    _agenda: Agenda = attrs.field(factory=Agenda, init=False)
    """By the wall clock, in seconds."""
    _under_way: dict[str, bool] = attrs.field(factory=dict, init=False)
    """Services with a task, and whether something was queued meanwhile."""
    _places: trio.CapacityLimiter = attrs.field(
        factory=lambda: trio.CapacityLimiter(SERVICES_AT_ONCE), init=False
    )
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    fates: dict[Fate, int] = attrs.field(factory=lambda: dict.fromkeys(Fate, 0), init=False)
    """What became of pushes, since the start."""

    def queued(self, services: Iterable[str]) -> None:
        """Something may go to these now."""
        for service in services:
            if service in self._under_way:
                self._under_way[service] = True
            else:
                self._agenda.put(service, max(self._ports.wall(), self._free_s(service)))
        self._news.set()

    def is_resting(self, service: str) -> bool:
        """Whether it is left alone for now."""
        return self._free_s(service) > self._ports.wall()

    @property
    def under_way(self) -> int:
        """Services that are being sent to."""
        return len(self._under_way)

    async def run(self) -> None:
        """Send what is queued, until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                for service in self._agenda.take(self._ports.wall()):
                    if service not in self._under_way:
                        self._under_way[service] = False
                        nursery.start_soon(self._serve, service)
                        # Thousands may be due at once, and pictures come in between.
                        await trio.lowlevel.checkpoint()
                await self._wait()

    async def _wait(self) -> None:
        wait_s = min(LONGEST_SLEEP_S, self._agenda.next - self._ports.wall())
        with trio.move_on_after(max(0.0, wait_s)):
            await self._news.wait()
        self._news = trio.Event()

    async def _serve(self, service: str) -> None:
        """Send to this service while something is due."""
        again = inf
        try:
            async with self._places:
                with ExitStack() as stack:
                    lines = [stack.enter_context(closing(Line())) for _ in range(self._workers)]
                    again = await self._post(service, lines)
        except StoreUnavailable as error:
            log.warning("pushes wait for the store", service=service, problem=str(error))
            again = self._ports.wall() + TRY_STORE_AGAIN_S
        finally:
            is_news = self._under_way.pop(service)
            if is_news and not self.is_resting(service):
                again = min(again, self._ports.wall())
            self._agenda.put(service, again)
            self._news.set()

    async def _post(self, service: str, lines: Sequence[Line]) -> float:
        """Send until nothing is due; when something is, by the wall clock."""
        while playing := self._air.playing():
            if self.is_resting(service):
                return self._free_s(service)
            self._under_way[service] = False
            due = await self._store.due_pushes(service, playing, now_ms=self._now_ms(), limit=BATCH)
            if not due:
                following = await self._store.next_push_ms(service, playing)
                if following is not None:
                    return following / 1000
                self._services.forget(service)
                break
            await self._send_all(service, lines, due)
        return inf

    async def _send_all(self, service: str, lines: Sequence[Line], due: Sequence[DuePush]) -> None:
        """Send these, and keep what became of them."""
        became: list[tuple[DuePush, Verdict]] = []
        waiting = iter(due)
        async with trio.open_nursery() as nursery:
            for line in lines:
                nursery.start_soon(self._work, service, line, waiting, became)
        await commit(self._writer, *_changes(became))

    async def _work(
        self,
        service: str,
        line: Line,
        waiting: Iterator[DuePush],
        became: list[tuple[DuePush, Verdict]],
    ) -> None:
        for push in waiting:
            await self._pace.turn()
            wave = self._air.waves.get(push.event)
            if wave is None or not self._air.is_on(wave) or self.is_resting(service):
                # It stays queued.
                return
            outcome = await self._send(push, wave, line)
            verdict = self._judge(push, wave, outcome)
            self._services.note(service, outcome, verdict.fate, self._now_ms())
            self._count(push, wave, verdict)
            became.append((push, verdict))

    async def _send(self, push: DuePush, wave: RunningWave, line: Line) -> Outcome:
        outcome = await self._ask(push, wave, wave.text, line)
        if isinstance(outcome, Answer) and outcome.status == TOO_LARGE:
            outcome = await self._ask(push, wave, wave.short_text, line)
        return outcome

    async def _ask(self, push: DuePush, wave: RunningWave, text: bytes, line: Line) -> Outcome:
        device, random = push.subscription, self._ports.random
        body = encrypt(
            text,
            p256dh=device.p256dh,
            auth=device.auth,
            key=private_key(random.randbytes(SCALAR_ENTROPY_BYTES)),
            salt=random.randbytes(SALT_BYTES),
        )
        service = service_of(device.endpoint)
        left_s = max(0, (wave.until_ms - self._now_ms()) // 1000)
        fields = (
            ("TTL", str(left_s)),
            ("Topic", wave.topic),
            ("Urgency", URGENCY),
            ("Content-Encoding", "aes128gcm"),
            ("Content-Type", "application/octet-stream"),
            ("Authorization", self._signatures.for_service(service, self._ports.wall())),
        )
        try:
            return await self._client.ask(device.endpoint, fields=fields, body=body, line=line)
        except OutboundError as error:
            return error

    def _judge(self, push: DuePush, wave: RunningWave, outcome: Outcome) -> Verdict:
        return judge(
            outcome,
            attempts=push.attempts + 1,
            refusals=push.subscription.refusals,
            now_ms=self._now_ms(),
            until_ms=wave.until_ms,
            chance=self._ports.random.random(),
        )

    def _count(self, push: DuePush, wave: RunningWave, verdict: Verdict) -> None:
        """Count it, and log what is not as it should be.  The address is a secret of the user's."""
        self.fates[verdict.fate] += 1
        wave.fates[verdict.fate] += 1
        if verdict.fate is Fate.SENT:
            return
        log.info(
            "push not sent",
            event_id=push.event,
            device=push.subscription.id,
            service=service_of(push.subscription.endpoint),
            fate=verdict.fate.value,
            answer=verdict.answer,
            attempt=push.attempts + 1,
        )

    def _free_s(self, service: str) -> float:
        return self._services.free_ms(service) / 1000

    def _now_ms(self) -> int:
        return round(self._ports.wall() * 1000)


def _changes(became: Sequence[tuple[DuePush, Verdict]]) -> Iterator[PushChange]:
    finished: list[FinishedPush] = []
    for push, verdict in became:
        match verdict.fate:
            case Fate.PRUNED:
                yield DropPushSubscription(push.subscription.id)
            case Fate.AGAIN:
                yield RetryPush(push=push.id, attempts=push.attempts + 1, due_ms=verdict.due_ms)
            case _:
                finished.append(
                    FinishedPush(
                        push=push.id,
                        subscription=push.subscription.id,
                        event=push.event,
                        refusals=verdict.refusals,
                    )
                )
    yield FinishPushes(tuple(finished))
