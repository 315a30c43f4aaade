"""Metrics of what players ask for piece by piece."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay.live.packagers import Packagers


def hls_metrics(packagers: Packagers) -> Iterator[Metric]:
    """Read off when somebody asks."""
    now = packagers.statistics()
    yield GaugeMetricFamily("relay_hls_broadcasts", "Broadcasts cut for HLS", value=now.packagers)
    yield GaugeMetricFamily(
        "relay_hls_segments", "Segments that can be had, in memory or on disk", value=now.segments
    )
    yield GaugeMetricFamily(
        "relay_hls_memory_bytes", "What they have in memory", value=now.memory_bytes
    )
    yield GaugeMetricFamily(
        "relay_hls_waiting", "Tasks that wait for a thread to the disk", value=now.threads.waiting
    )
    yield CounterMetricFamily(
        "relay_hls_long_segments",
        "Segments longer than their playlist has promised: keyframes came late",
        value=now.long_segments,
    )
    yield CounterMetricFamily(
        "relay_hls_skipped_packets",
        "Packets that were left out because this process was late",
        value=now.skipped_packets,
    )
