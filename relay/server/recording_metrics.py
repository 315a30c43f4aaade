"""Metrics of what is recorded."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay.recordings.recording import Ending
from relay.recordings.recordings import Recordings


def recording_metrics(recordings: Recordings) -> Iterator[Metric]:
    """Read off when somebody asks; endings are a closed set."""
    now = recordings.statistics()
    yield GaugeMetricFamily("relay_recordings", "Broadcasts being recorded", value=now.under_way)
    refused = GaugeMetricFamily(
        "relay_recordings_refused",
        "Broadcasts that should be recorded and are not, by reason",
        labels=("reason",),
    )
    ended = CounterMetricFamily(
        "relay_recordings_ended", "Recordings that have ended, by reason", labels=("reason",)
    )
    for ending in Ending:
        refused.add_metric((ending.value,), now.refused.get(ending, 0))
        ended.add_metric((ending.value,), now.endings.get(ending, 0))
    yield refused
    yield ended
    yield GaugeMetricFamily(
        "relay_recordings_missed_packets",
        "Packets that the disk was too slow for, of recordings under way",
        value=now.missed_packets,
    )
    waiting = GaugeMetricFamily(
        "relay_recordings_waiting", "Tasks that wait for a thread to the disk", labels=("pool",)
    )
    for pool, (_, count) in now.threads.items():
        waiting.add_metric((pool,), count)
    yield waiting
