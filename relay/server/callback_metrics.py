"""Metrics of what the site is asked."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay.notify.breaker import State
from relay.server.permissions import Permissions


def callback_metrics(permissions: Permissions) -> Iterator[Metric]:
    """Read off when somebody asks; outcomes are closed sets, and no stream is a label."""
    verdicts = CounterMetricFamily(
        "relay_callback_verdicts", "What became of all who asked", labels=("callback", "verdict")
    )
    requests = CounterMetricFamily(
        "relay_callback_requests",
        "Questions, those that are equal once, by outcome",
        labels=("callback", "outcome"),
    )
    under_way = GaugeMetricFamily(
        "relay_callback_active", "Questions under way", labels=("callback",)
    )
    waiting = GaugeMetricFamily(
        "relay_callback_waiting", "Questions that wait for a place", labels=("callback",)
    )
    breakers = GaugeMetricFamily(
        "relay_callback_breaker", "1 for the state it is in", labels=("callback", "state")
    )
    for callback in permissions.callbacks():
        name, now = callback.action.value, callback.statistics()
        for verdict, count in now.verdicts.items():
            verdicts.add_metric((name, verdict), count)
        for outcome, count in now.requests.items():
            requests.add_metric((name, outcome), count)
        under_way.add_metric((name,), now.under_way)
        waiting.add_metric((name,), now.waiting)
        for state in State:
            breakers.add_metric((name, state.value), now.breaker is state)
    yield from (verdicts, requests, under_way, waiting, breakers)
