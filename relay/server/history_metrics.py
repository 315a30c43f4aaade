"""Metrics of what is kept of what was said."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric

from relay.channels.retention import Retention


def history_metrics(retention: Retention) -> Iterator[Metric]:
    """Read off when somebody asks."""
    kept = retention.statistics()
    yield CounterMetricFamily(
        "relay_retention_rounds", "Times that all durable channels were gone through", kept.rounds
    )
    yield CounterMetricFamily(
        "relay_retention_publications",
        "Publications that are kept no longer, by number or age",
        kept.publications,
    )
