"""The hub of all streams' feeds: who may ask it, and what becomes of events.

    request --policies--> verifying --intent--> subscriptions (memory and store)
    event --same transaction--> a delivery for each subscription --couriers--> callbacks

Anybody may subscribe to what anybody may read, and so anybody may have us send requests to others.
What they can do with that is bounded on every side: a request that we send is no larger than the
one that asked for it, addresses and callbacks' hosts have a rate, a callback that does not confirm
is asked once, and who is subscribed has confirmed.
"""

from collections.abc import Sequence

import attrs
import structlog
import trio

from relay.config.schema import WebsubConfig
from relay.identity.throttle import Throttle
from relay.notify.couriers import Couriers
from relay.notify.events import Event
from relay.notify.session_events import EventType
from relay.notify.websub.asking import CHALLENGE_BYTES, Asked, HubRefused, Mode, verification_url
from relay.notify.websub.feed import TYPES
from relay.notify.websub.feeds import Feeds
from relay.notify.websub.lanes import Lanes
from relay.notify.websub.subscribers import Subscribers
from relay.notify.websub.subscriptions import Subscriptions, TooManySubscriptions
from relay.notify.websub.verifying import Verifying
from relay.outbound.client import Client
from relay.outbound.failures import Forbidden
from relay.ports import Ports
from relay.store.contract import Change, Store, StoreUnavailable
from relay.store.outbox import QueueEvent
from relay.store.writer import Writer

log = structlog.get_logger("relay.websub")

CLEAN_EVERY_S = 60.0
THROTTLED = 10_000
"""Addresses, and hosts, whose rates are known."""


@attrs.define(eq=False)
class WebSub:
    """See the head of this module; a `relay.notify.carrier.Carrier`."""

    _config: WebsubConfig
    _ports: Ports
    _store: Store
    _client: Client
    feeds: Feeds
    subscriptions: Subscriptions
    couriers: Couriers
    verifying: Verifying
    _callers: Throttle = attrs.field(init=False)
    _hosts: Throttle = attrs.field(init=False)

    @classmethod
    def assembled(
        cls,
        config: WebsubConfig,
        ports: Ports,
        store: Store,
        writer: Writer,
        client: Client,
        *,
        source: str,
    ) -> "WebSub":
        """One with all its parts."""
        feeds = Feeds(store, source)
        subscriptions = Subscriptions(config, ports, writer)
        lanes = Lanes(config.requests_per_host)
        subscribers = Subscribers(client, subscriptions, feeds, lanes)
        couriers = Couriers(ports, store, writer, subscribers)
        verifying = Verifying(ports, client, subscriptions, lanes)
        return cls(config, ports, store, client, feeds, subscriptions, couriers, verifying)

    def __attrs_post_init__(self) -> None:
        self._callers = Throttle(self._config.requests_per_minute, THROTTLED)
        self._hosts = Throttle(self._config.requests_per_minute, THROTTLED)

    async def load(self) -> None:
        """Read what is kept; before `run`.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        await self.subscriptions.load(self._store)

    async def run(self) -> None:
        """Find out who wants what, and send it, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.couriers.run)
            nursery.start_soon(self.verifying.run)
            nursery.start_soon(self._clean)

    # What is asked.

    def ask(self, asked: Asked, caller: str) -> None:
        """Take a request from this address; what comes of it is found out later.

        Raises:
            HubRefused: nothing will.
        """
        host = self._host(asked)
        self._check_rate(self._callers, caller)
        if not self.subscriptions.has(asked.pair):
            self._check_new(asked, host)
        self._check_rate(self._hosts, host)
        self.verifying.add(asked, host)
        for throttle, whose in ((self._callers, caller), (self._hosts, host)):
            throttle.count(whose, self._ports.monotonic())

    def _host(self, asked: Asked) -> str:
        """Of the callback, which may be asked with all that is put behind it."""
        longest = verification_url(asked, "0" * 2 * CHALLENGE_BYTES)
        try:
            return self._client.check(longest).host
        except Forbidden as error:
            raise HubRefused(400, f"`hub.callback` is not asked: {error}") from None

    def _check_rate(self, throttle: Throttle, whose: str) -> None:
        wait_s = throttle.wait_s(whose, self._ports.monotonic())
        if wait_s > 0:
            raise HubRefused(429, f"too many requests for {whose}", wait_s=wait_s)

    def _check_new(self, asked: Asked, host: str) -> None:
        if asked.mode is Mode.UNSUBSCRIBE:
            # Its callback is not bothered: whoever asks might be anybody.
            if asked.pair not in self.verifying:
                raise HubRefused(404, "there is no such subscription")
            return
        try:
            self.subscriptions.check_room(host)
        except TooManySubscriptions as error:
            raise HubRefused(503, str(error)) from None

    # What happens.

    def changes(self, event: Event) -> Sequence[Change]:
        """See `Carrier.changes`."""
        to = self._wanting(event)
        return (QueueEvent(event.stored, to),) if to else ()

    def carry(self, events: Sequence[Event]) -> None:
        """See `Carrier.carry`."""
        for event in events:
            self.couriers.queued(self._wanting(event))

    def _wanting(self, event: Event) -> tuple[str, ...]:
        type_ = event.stored.type
        # What is said of a stream that is not on air is in no entry of its feed.
        is_off_air = type_ == EventType.UPDATED.value and event.airing is None
        if type_ not in TYPES or is_off_air:
            return ()
        return self.subscriptions.of(event.stored.stream)

    async def _clean(self) -> None:
        while True:
            await trio.sleep(CLEAN_EVERY_S)
            try:
                if overdue := self.subscriptions.overdue():
                    await self.subscriptions.drop(overdue)
            except StoreUnavailable as error:
                log.warning("subscriptions that are over are not forgotten", problem=str(error))
