"""Metrics of Web Push."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay.notify.push.web_push import WebPush


def push_metrics(push: WebPush) -> Iterator[Metric]:
    """Read off when somebody asks; push services are no label: anybody can make one up."""
    now = push.statistics()
    pushes = CounterMetricFamily("relay_pushes", "Pushes to devices, by outcome", labels=("fate",))
    for fate, count in now.fates.items():
        pushes.add_metric((fate.value,), count)
    yield pushes
    yield GaugeMetricFamily("relay_push_waves", "Broadcasts being told of", value=now.waves)
    yield GaugeMetricFamily(
        "relay_push_services", "Push services being sent to", value=now.services
    )
