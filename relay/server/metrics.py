"""Prometheus metrics, read off the server's own counts when somebody asks.

Nothing is counted twice and nothing on the hot path: connections that are open are summed at the
scrape, those that have ended are in the tally.  Labels are bounded: protocols, reasons, formats and
states are closed sets, and there is none for stream names or addresses.
"""

from collections import Counter
from collections.abc import Iterator
from math import isinf

import attrs
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from relay.fanout.pump import LAG_BUCKETS_S
from relay.live.encodings import Format
from relay.live.statistics import State
from relay.server.callback_metrics import callback_metrics
from relay.server.history_metrics import history_metrics
from relay.server.hls_metrics import hls_metrics
from relay.server.notice_metrics import notice_metrics
from relay.server.picture_metrics import picture_metrics
from relay.server.recording_metrics import recording_metrics
from relay.server.services import Services


@attrs.define(eq=False)
class ServerCollector(Collector):
    """One scrape of one server."""

    _services: Services

    def collect(self) -> Iterator[Metric]:
        yield from self._connections()
        yield from self._bytes()
        yield from self._broadcasts()
        yield from self._fanout()
        yield from self._channels()
        yield from self._store()
        yield from notice_metrics(self._services.notices)
        yield from callback_metrics(self._services.permissions)
        yield from history_metrics(self._services.retention, self._services.erasing)
        yield from picture_metrics(self._services.pictures)
        yield from hls_metrics(self._services.packagers)
        yield from recording_metrics(self._services.recordings)

    def _connections(self) -> Iterator[Metric]:
        services = self._services
        yield _gauge(
            "relay_connections", "Connections that are open", services.admission.connections
        )
        yield _by_protocol(
            GaugeMetricFamily,
            "relay_open_connections",
            "Connections that are open, by protocol",
            Counter(connection.protocol for connection in services.connections),
        )
        yield _gauge(
            "relay_strangers",
            "Open connections that follow no feed and have shown no identity",
            services.admission.stranger_count,
        )
        yield _gauge(
            "relay_connections_capacity",
            "Connections that the descriptor limit allows",
            services.admission.capacity,
        )
        yield _gauge(
            "relay_waiting_names", "Names that viewers wait for", services.stage.waiting_names
        )
        ended = CounterMetricFamily(
            "relay_connections_ended",
            "Connections that have ended, by protocol and reason",
            labels=("protocol", "reason"),
        )
        for (protocol, reason), n in services.tally.connections.items():
            ended.add_metric((protocol, reason.label), n)
        yield ended

    def _bytes(self) -> Iterator[Metric]:
        tally = self._services.tally
        received, sent = Counter(tally.received_bytes), Counter(tally.sent_bytes)
        for connection in self._services.connections:
            received[connection.protocol] += connection.received_bytes
            sent[connection.protocol] += connection.outlet.statistics().sent_bytes
        for name, what, sums in (
            ("relay_received_bytes", "Bytes received", received),
            ("relay_sent_bytes", "Bytes that the kernel took", sent),
        ):
            yield _by_protocol(CounterMetricFamily, name, what + ", by protocol", sums)

    def _broadcasts(self) -> Iterator[Metric]:
        figures = [b.statistics() for b in self._services.stage.broadcasts()]
        states = GaugeMetricFamily("relay_broadcasts", "Broadcasts, by state", labels=("state",))
        for state in State:
            states.add_metric((state.value,), sum(f.state is state for f in figures))
        yield states
        viewers = GaugeMetricFamily(
            "relay_viewers",
            "Connections that have really received media within the last seconds, by format",
            labels=("format",),
        )
        for output_format in Format:
            viewers.add_metric(
                (output_format.value,), sum(f.viewers.get(output_format, 0) for f in figures)
            )
        yield viewers

    def _fanout(self) -> Iterator[Metric]:
        services, tally = self._services, self._services.tally
        open_now = services.connections
        outlets = [connection.outlet.statistics() for connection in open_now]
        writes = tally.writes + sum(outlet.writes for outlet in outlets)
        short = tally.short_sends + sum(outlet.short_sends for outlet in outlets)
        skipped = tally.skipped_packets + sum(c.missed().skipped_packets for c in open_now)
        gaps = tally.gaps + sum(c.missed().gaps for c in open_now)
        pump = services.pump.statistics()
        yield _counter("relay_writes", "Writes to connections", writes)
        yield _counter("relay_short_sends", "Writes that the kernel took only a part of", short)
        yield _counter("relay_skipped_packets", "Packets that slow viewers did not get", skipped)
        yield _counter("relay_gaps", "Times that a slow viewer skipped to a keyframe", gaps)
        yield _counter("relay_pump_passes", "Passes of the fan-out pump", pump.passes)
        yield _counter("relay_pump_busy_seconds", "CPU time of those passes", pump.busy_s)
        yield HistogramMetricFamily(
            "relay_pump_lag_seconds",
            "How late the event loop woke the pump after a pause",
            buckets=[
                ("+Inf" if isinf(bound) else str(bound), n)
                for bound, n in zip(LAG_BUCKETS_S, pump.lags, strict=True)
            ],
            sum_value=pump.lag_s,
        )
        yield _gauge("relay_pump_pause_seconds", "Pause between passes, as it is now", pump.pause_s)
        yield _gauge(
            "relay_pump_longest_pause_seconds",
            "The longest pause between passes that there was while news waited",
            pump.longest_pause_s,
        )
        yield _gauge("relay_held_bytes", "Bytes held for peers", services.budget.held)
        yield _gauge("relay_held_bytes_limit", "Bytes that may be held", services.budget.limit)

    def _channels(self) -> Iterator[Metric]:
        hub, sessions = self._services.hub.statistics(), self._services.sessions.statistics()
        yield _gauge("relay_channels", "Channels in memory", hub.channels)
        yield _gauge("relay_channel_followers", "Followers of all channels", hub.followers)
        yield _gauge("relay_channel_held_bytes", "Bytes that channels keep", hub.held_bytes)
        yield _counter("relay_publications", "Publications on channels", hub.publications)
        yield _gauge(
            "relay_clients", "Connections that speak the Centrifugo protocol", sessions.clients
        )
        yield _gauge("relay_client_users", "Different users of those", sessions.users)
        views = self._services.views.statistics()
        yield _gauge("relay_live_views", "Different live views that are kept true", views.views)
        yield _counter(
            "relay_live_view_publications", "Publications of live views", views.publications
        )
        yield _gauge("relay_poll_sessions", "Sessions of /rpc", len(self._services.poll_sessions))

    def _store(self) -> Iterator[Metric]:
        store, writer = self._services.store.statistics(), self._services.writer.statistics()
        yield _gauge("relay_store_queue", "Changes that wait for the store", writer.queued)
        yield _gauge("relay_store_queue_bytes", "About what they will write", writer.queued_bytes)
        commits = CounterMetricFamily(
            "relay_store_commits", "Transactions, by how they ended", labels=("outcome",)
        )
        commits.add_metric(("committed",), writer.commits)
        commits.add_metric(("failed",), writer.failed_commits)
        yield commits
        yield _counter("relay_store_changes", "Changes that were committed", writer.committed)
        yield _gauge(
            "relay_store_last_commit_seconds", "How long the last one took", writer.last_commit_s
        )
        yield _gauge(
            "relay_store_longest_commit_seconds",
            "How long the longest one took",
            writer.longest_commit_s,
        )
        waiting = GaugeMetricFamily(
            "relay_store_waiting", "Tasks that wait for a thread of the store", labels=("pool",)
        )
        for pool, use in store.threads.items():
            waiting.add_metric((pool,), use.waiting)
        yield waiting


def _by_protocol(
    family: type[GaugeMetricFamily | CounterMetricFamily],
    name: str,
    what: str,
    sums: Counter[str],
) -> Metric:
    made = family(name, what, labels=("protocol",))
    for protocol, n in sums.items():
        made.add_metric((protocol,), n)
    return made


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(name, what, value=value)
