"""Webhook endpoints, as couriers know them: what is sent is the event, by Standard Webhooks."""

import attrs
import structlog

from relay.notify.cloud_events import CONTENT_TYPE
from relay.notify.endpoint import Endpoint
from relay.notify.endpoints import Endpoints, UnknownEndpoint
from relay.notify.signing import signed_fields
from relay.outbound.client import Client
from relay.outbound.exchange import Answer
from relay.ports import Ports
from relay.store.outbox import Delivery

log = structlog.get_logger("relay.webhooks")

GONE = "the endpoint has answered 410: it wants nothing more"


@attrs.define(eq=False)
class Webhooks:
    """`relay.notify.addressees.Addressees`."""

    _ports: Ports
    _client: Client
    _endpoints: Endpoints
    kind: str = "webhook"

    def queues(self) -> list[str]:
        return [endpoint.id for endpoint in self._endpoints.every()]

    def get(self, queue: str, /) -> "_Webhook | None":
        endpoint = self._endpoints.get(queue)
        if endpoint is None or endpoint.disabled:
            return None
        return _Webhook(endpoint, self._ports, self._client, self._endpoints)


@attrs.frozen
class _Webhook:
    """`relay.notify.addressees.Addressee`."""

    _endpoint: Endpoint
    _ports: Ports
    _client: Client
    _endpoints: Endpoints

    async def send(self, delivery: Delivery) -> Answer:
        event, now_ms = delivery.event, round(self._ports.wall() * 1000)
        secrets = self._endpoint.signing(now_ms)
        signed = signed_fields(secrets, event.id, now_ms // 1000, event.body)
        return await self._client.ask(
            self._endpoint.url, fields=(("Content-Type", CONTENT_TYPE), *signed), body=event.body
        )

    async def end(self) -> None:
        endpoint = self._endpoint.id
        try:
            await self._endpoints.change(endpoint, lambda it: attrs.evolve(it, disabled=GONE))
        except UnknownEndpoint:
            return
        log.warning("an endpoint is disabled", endpoint=endpoint, why=GONE)
