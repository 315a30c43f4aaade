"""Subscribers, as couriers know them: what is sent is the feed as it was with the event."""

import attrs
import structlog

from relay.notify.websub.feeds import Feeds
from relay.notify.websub.lanes import Lanes
from relay.notify.websub.subscription import Subscription
from relay.notify.websub.subscriptions import Subscriptions
from relay.outbound.client import Client
from relay.outbound.exchange import Answer
from relay.store.outbox import Delivery

log = structlog.get_logger("relay.websub")


@attrs.define(eq=False)
class Subscribers:
    """`relay.notify.addressees.Addressees`."""

    _client: Client
    _subscriptions: Subscriptions
    _feeds: Feeds
    _lanes: Lanes
    kind: str = "websub"

    def queues(self) -> list[str]:
        return self._subscriptions.ids()

    def get(self, queue: str, /) -> "_Subscriber | None":
        subscription = self._subscriptions.get(queue)
        if subscription is None:
            return None
        return _Subscriber(
            subscription, self._client, self._subscriptions, self._feeds, self._lanes
        )


@attrs.frozen
class _Subscriber:
    """`relay.notify.addressees.Addressee`."""

    _subscription: Subscription
    _client: Client
    _subscriptions: Subscriptions
    _feeds: Feeds
    _lanes: Lanes

    async def send(self, delivery: Delivery) -> Answer:
        to = self._subscription
        body = (await self._feeds.with_event(to.topic, delivery.event)).body
        fields = to.fields(delivery.event.id, body)
        async with self._lanes.deliver(to.host, is_first=not delivery.attempts):
            return await self._client.ask(to.callback, fields=fields, body=body)

    async def end(self) -> None:
        subscription = self._subscription.id
        await self._subscriptions.drop([subscription])
        log.info("a subscriber has left", subscription=subscription)
