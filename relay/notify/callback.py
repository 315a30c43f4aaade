"""Asks a site whether somebody may publish, or play.

    asker's task --> equal question under way? --yes--> waits for that answer
                          | no
                     breaker --> a place --> breaker --> client --> judge

Whoever wants something asks in the task of its own connection, and nobody else waits for that: a
callback that hangs holds up those who ask it, each for its deadline, and no picture, no viewer who
is there already and nobody on a stream that it is not asked about.

**Equal questions are asked once.**  Two thousand viewers who come to one stream at the same moment
and of whom nothing is known that would tell them apart wait for one answer.  When whoever asked
goes away before there is one, the next of them asks.  What makes questions equal is all that the
site is told, the address too: a site may decide by address, and an answer for one must not let
another in.

**No answer is kept.**  One that is kept is wrong from the moment at which the site changes its
mind, and that is the moment at which somebody looks: a viewer has paid and is still refused, or is
banned and still comes in.  What keeping would spare is little, because an equal question is never
under way twice: whoever comes again and again asks one question after the other.

**Places** bound what is under way.  Who finds none waits, in order, no longer than the deadline and
in a bounded number, and then has the answer of a callback that failed.  That is load, which says
nothing about the callback's health, and so the breaker is not told.  One address cannot fill the
places for long: until it is let in, it has `limits.connections_per_address` connections, and each
of them asks one question.
"""

from collections import Counter

import attrs
import structlog
import trio

from relay.config.schema import CallbackConfig, OutboundConfig
from relay.errors import ConfigError
from relay.notify.breaker import Breaker, State
from relay.notify.callback_secrets import CallbackSecrets
from relay.notify.question import Action, Allowed, Failed, Question, Refused, Verdict, judge
from relay.notify.signing import signed_fields
from relay.outbound.client import Client
from relay.outbound.failures import Forbidden, OutboundError
from relay.ports import Ports

log = structlog.get_logger("relay.callbacks")

BUSY, BREAKER_OPEN = "busy", "breaker-open"
"""Why nothing was asked; other failures are those of the client, and `status`."""
ID_BYTES = 16


@attrs.frozen(kw_only=True)
class CallbackStatistics:
    """A snapshot for metrics and tests."""

    under_way: int
    """Requests."""
    waiting: int
    """Questions that wait for a place."""
    breaker: State
    requests: dict[str, int]
    """Since the start, by outcome: `answered`, or why not."""
    verdicts: dict[str, int]
    """Since the start, of all who asked: `allowed`, `refused`, `failed-open`, `failed-closed`."""


@attrs.define(eq=False)
class _UnderWay:
    """A question that somebody asks for all who have it."""

    decided: trio.Event = attrs.field(factory=trio.Event)
    verdict: Verdict | None = None
    """None while nobody knows, and for ever where whoever asked went away."""


@attrs.define(eq=False)
class Callback:
    """See the head of this module."""

    action: Action
    config: CallbackConfig
    secrets: CallbackSecrets
    _client: Client
    _ports: Ports
    _places: trio.CapacityLimiter = attrs.field(init=False)
    _breaker: Breaker = attrs.field(init=False)
    _under_way: dict[Question, _UnderWay] = attrs.field(factory=dict, init=False)
    _requests: Counter[str] = attrs.field(factory=Counter, init=False)
    _verdicts: Counter[str] = attrs.field(factory=Counter, init=False)

    def __attrs_post_init__(self) -> None:
        self._places = trio.CapacityLimiter(self.config.at_once)
        self._breaker = Breaker(self._tell)

    async def ask(self, question: Question) -> Verdict:
        """What the site says; or what the configuration says for it, where it does not."""
        while (verdict := await self._heard(question)) is None:
            pass  # Whoever asked is gone.
        if isinstance(verdict, Failed) and self.config.fail_open:
            verdict = Allowed(despite=verdict.why)
        self._verdicts[_named(verdict)] += 1
        return verdict

    def is_under_way(self, question: Question) -> bool:
        """Whether just this is asked already: `ask` would wait for that answer."""
        return question in self._under_way

    def statistics(self) -> CallbackStatistics:
        places = self._places.statistics()
        return CallbackStatistics(
            under_way=places.borrowed_tokens,
            waiting=places.tasks_waiting,
            breaker=self._breaker.state,
            requests=dict(self._requests),
            verdicts=dict(self._verdicts),
        )

    # One question for all who have it.

    async def _heard(self, question: Question) -> Verdict | None:
        asked = self._under_way.get(question)
        if asked is None:
            return await self._ask_for_all(question)
        await asked.decided.wait()
        return asked.verdict

    async def _ask_for_all(self, question: Question) -> Verdict:
        asked = self._under_way[question] = _UnderWay()
        try:
            asked.verdict = await self._ask_in_turn(question)
        finally:
            del self._under_way[question]
            asked.decided.set()
        return asked.verdict

    # One request.

    async def _ask_in_turn(self, question: Question) -> Verdict:
        await trio.lowlevel.checkpoint()
        if self._breaker.refuses(self._ports.monotonic()):
            return self._not_asked(BREAKER_OPEN)
        if self._places.statistics().tasks_waiting >= self.config.waiting:
            return self._not_asked(BUSY)
        with trio.move_on_after(self.config.deadline_s) as patience:
            await self._places.acquire()
        if patience.cancelled_caught:
            return self._not_asked(BUSY)
        try:
            return await self._ask_if_whole(question)
        finally:
            self._places.release()

    async def _ask_if_whole(self, question: Question) -> Verdict:
        """Ask, unless others have failed while this one waited; and let the breaker learn."""
        admitted = self._breaker.admit(self._ports.monotonic())
        if admitted is None:
            return self._not_asked(BREAKER_OPEN)
        verdict: Verdict | None = None
        try:
            verdict = await self._request(question)
        finally:
            self._learn(admitted, verdict)
        return verdict

    async def _request(self, question: Question) -> Verdict:
        body = question.body()
        message_id = f"ask_{self._ports.random.randbytes(ID_BYTES).hex()}"
        now = int(self._ports.wall())
        signed = signed_fields(self.secrets.secrets, message_id, now, body)
        try:
            answer = await self._client.ask(
                self.config.url, fields=(("Content-Type", "application/json"), *signed), body=body
            )
        except OutboundError as error:
            return Failed(error.failure.label)
        return judge(answer)

    def _learn(self, admitted: int, verdict: Verdict | None) -> None:
        match verdict:
            case None:
                self._breaker.abandoned(admitted)
            case Failed(why):
                self._requests[why] += 1
                self._breaker.failed(admitted, self._ports.monotonic())
            case _:
                self._requests["answered"] += 1
                self._breaker.succeeded(admitted)

    def _not_asked(self, why: str) -> Failed:
        self._requests[why] += 1
        return Failed(why)

    def _tell(self, state: State) -> None:
        said = log.info if state is State.CLOSED else log.warning
        said("breaker", callback=self.action.value, state=state.value)


def open_callback(
    action: Action,
    config: CallbackConfig,
    outbound: OutboundConfig,
    secrets: CallbackSecrets,
    ports: Ports,
) -> Callback | None:
    """The callback for an action, if there is to be one.

    It has a client to itself: webhooks at the same host must not take its places, nor it theirs.

    Raises:
        ConfigError: its URL may not be asked.
    """
    if not config.url:
        return None
    bounds = attrs.evolve(outbound, total_s=config.deadline_s, connections_per_host=config.at_once)
    client = Client(bounds, ports.outside)
    try:
        client.check(config.url)
    except Forbidden as error:
        raise ConfigError(f"`on_{action.value}.url`: {error}") from None
    return Callback(action, config, secrets, client, ports)


def _named(verdict: Verdict) -> str:
    match verdict:
        case Allowed(""):
            return "allowed"
        case Allowed():
            return "failed-open"
        case Refused():
            return "refused"
        case Failed():
            return "failed-closed"
