"""Metrics of what is kept of what was said."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay.channels.retention import Retention
from relay.erasure.erasing import Erasing


def history_metrics(retention: Retention, erasing: Erasing) -> Iterator[Metric]:
    """Read off when somebody asks."""
    kept, erasures = retention.statistics(), erasing.statistics()
    yield GaugeMetricFamily(
        "relay_erasures_under_way", "Users who are to be forgotten", erasures.under_way
    )
    yield CounterMetricFamily("relay_erasures", "Users who are forgotten", erasures.done)
    yield CounterMetricFamily(
        "relay_retention_rounds", "Times that all durable channels were gone through", kept.rounds
    )
    yield CounterMetricFamily(
        "relay_retention_publications",
        "Publications that are kept no longer, by number or age",
        kept.publications,
    )
