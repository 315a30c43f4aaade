"""What the operator's machines ask: is it alive, is it ready, how is it doing."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from relay.http.response import Response, text
from relay.server.exchange import Exchange, server_full
from relay.server.metrics import ServerCollector

_METRICS_TYPE = ("Content-Type", "text/plain; version=0.0.4; charset=utf-8")


def health(exchange: Exchange) -> Response:
    """`/healthz`: the process answers."""
    return text("ok\n")


def ready(exchange: Exchange) -> Response:
    """`/readyz`: new viewers are welcome.

    Raises:
        HttpError: 503 while the server is full.
    """
    services = exchange.services
    if services.budget.is_full or services.admission.is_full:
        raise server_full()
    return text("ready\n")


def metrics(exchange: Exchange) -> Response:
    """`/metrics`: Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(ServerCollector(exchange.services))
    return Response(200, (_METRICS_TYPE, ("Cache-Control", "no-store")), generate_latest(registry))
