"""Metrics of pictures."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay.pictures.pictures import Pictures


def picture_metrics(pictures: Pictures) -> Iterator[Metric]:
    """Read off when somebody asks."""
    now = pictures.statistics()
    made = CounterMetricFamily("relay_pictures", "Pictures made, by outcome", labels=("outcome",))
    for outcome, count in now.outcomes.items():
        made.add_metric((outcome,), count)
    yield made
    yield GaugeMetricFamily(
        "relay_pictures_waiting", "Broadcasts whose picture is to be made", value=now.waiting
    )
    yield CounterMetricFamily(
        "relay_picture_processes", "Decoding processes started", value=now.processes
    )
