"""Asks the owners of callbacks whether they want what somebody has asked for.

One request after the other is settled for each callback and topic, and of those that come meanwhile
the newest only: it overrides the others (WebSub, 5.1).  A verification that fails changes nothing.
"""

from collections import Counter

import attrs
import structlog
import trio

from relay.notify.websub.asking import (
    CHALLENGE_BYTES,
    Asked,
    HubRefused,
    Mode,
    confirms,
    denial_url,
    verification_url,
)
from relay.notify.websub.lanes import Lanes
from relay.notify.websub.subscriptions import Subscriptions, TooManySubscriptions
from relay.outbound.client import Client
from relay.outbound.failures import Failure, OutboundError
from relay.ports import Ports
from relay.store.contract import StoreUnavailable

log = structlog.get_logger("relay.websub")

WITHIN_S = 10.0
"""A verification, from the first byte to the last."""
MOST = 256
"""Callbacks and topics that wait for theirs; more are refused."""
MOST_AT_HOST = 8
COME_BACK_S = 30.0


@attrs.define(eq=False)
class Verifying:
    """See the head of this module."""

    _ports: Ports
    _client: Client
    _subscriptions: Subscriptions
    _lanes: Lanes
    _asked: dict[tuple[str, str], tuple[Asked, str]] = attrs.field(factory=dict, init=False)
    """With the callback's host."""
    _hosts: Counter[str] = attrs.field(factory=Counter, init=False)
    _new: list[tuple[str, str]] = attrs.field(factory=list, init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    outcomes: Counter[str] = attrs.field(factory=Counter, init=False)
    """Since the start."""

    def __contains__(self, pair: tuple[str, str]) -> bool:
        """Whether something is to be found out of this callback and topic."""
        return pair in self._asked

    def add(self, asked: Asked, host: str) -> None:
        """Find out, soon.

        Raises:
            HubRefused: too many wait already.
        """
        if asked.pair not in self._asked:
            if len(self._asked) >= MOST or self._hosts[host] >= MOST_AT_HOST:
                raise HubRefused(503, "too many requests wait already", wait_s=COME_BACK_S)
            self._hosts[host] += 1
            self._new.append(asked.pair)
            self._news.set()
        self._asked[asked.pair] = asked, host

    async def run(self) -> None:
        """Find out what is asked, until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                await self._news.wait()
                self._news = trio.Event()
                new, self._new = self._new, []
                for pair in new:
                    nursery.start_soon(self._settle_all, pair)

    async def _settle_all(self, pair: tuple[str, str]) -> None:
        asked, host = self._asked[pair]
        try:
            await self._settle(asked, host)
            while self._asked[pair][0] is not asked:
                asked, _ = self._asked[pair]
                await self._settle(asked, host)
        finally:
            del self._asked[pair]
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]

    async def _settle(self, asked: Asked, host: str) -> None:
        async with self._lanes.verify(host):
            asked_ms = self._ports.wall() * 1000
            problem = await self._verify(asked)
        if not problem:
            try:
                await self._obey(asked, host, round(asked_ms))
            except (TooManySubscriptions, StoreUnavailable) as error:
                problem = "denied"
                await self._deny(asked, error)
        self.outcomes[problem or asked.mode.value] += 1
        log.info("a request was settled", **_facts(asked), problem=problem or None)

    async def _verify(self, asked: Asked) -> str:
        """Why this is not what the callback's owner wants; empty if it is."""
        challenge = self._ports.random.randbytes(CHALLENGE_BYTES).hex()
        try:
            with trio.fail_after(WITHIN_S):
                answer = await self._client.ask(verification_url(asked, challenge), method="GET")
        except trio.TooSlowError:
            return Failure.TIMED_OUT.label
        except OutboundError as error:
            return error.failure.label
        return "" if confirms(answer, challenge) else "unconfirmed"

    async def _obey(self, asked: Asked, host: str, asked_ms: int) -> None:
        """Do what was asked.  The lease is counted from when its end was named (WebSub, 5.3)."""
        if asked.mode is Mode.SUBSCRIBE:
            await self._subscriptions.put(asked, host, asked_ms + asked.lease_s * 1000)
        else:
            await self._subscriptions.end(asked.pair)

    async def _deny(self, asked: Asked, why: TooManySubscriptions | StoreUnavailable) -> None:
        """Tell who has confirmed that nothing came of it."""
        is_full = isinstance(why, TooManySubscriptions)
        reason = str(why) if is_full else "nothing can be kept at the moment"
        try:
            with trio.move_on_after(WITHIN_S):
                await self._client.ask(denial_url(asked, reason), method="GET")
        except OutboundError as error:
            log.info("a denial was not heard", **_facts(asked), problem=error.failure.label)


def _facts(asked: Asked) -> dict[str, str]:
    """For logs; the callback may hold a secret, and is left out."""
    return {"mode": asked.mode.value, "topic": asked.topic.url}
