"""What the operator's machines ask: is it alive, is it ready, how is it doing."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from relay.http.response import Response, text
from relay.reasons import Reason
from relay.server.exchange import Exchange, server_full
from relay.server.metrics import ServerCollector

_METRICS_TYPE = ("Content-Type", "text/plain; version=0.0.4; charset=utf-8")


async def health(exchange: Exchange) -> Response | Reason:
    """`/healthz`: the process answers."""
    return text("ok\n")


async def ready(exchange: Exchange) -> Response | Reason:
    """`/readyz`: new viewers are welcome.

    Raises:
        HttpError: 503 while the server is full.
    """
    services = exchange.services
    if services.budget.is_full or services.admission.is_full:
        raise server_full()
    return text("ready\n")


async def metrics(exchange: Exchange) -> Response | Reason:
    """`/metrics`: Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(ServerCollector(exchange.services))
    return Response(200, (_METRICS_TYPE, ("Cache-Control", "no-store")), generate_latest(registry))
