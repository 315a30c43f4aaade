"""Metrics of what is announced, and of what leaves."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from relay.notify.notices import Notices
from relay.notify.websub.websub import WebSub
from relay.server.push_metrics import push_metrics


def notice_metrics(notices: Notices) -> Iterator[Metric]:
    """Read off when somebody asks; reasons are a closed set, and no host is a label."""
    yield CounterMetricFamily("relay_events", "Events announced", value=notices.announcer.announced)
    yield from _followers(notices)
    yield from _webhooks(notices)
    yield from _websub(notices.websub)
    yield from push_metrics(notices.push)
    yield from _outbound(notices)


def _followers(notices: Notices) -> Iterator[Metric]:
    fan_outs = notices.fan_outs.statistics()
    for name, what, value in (
        ("relay_follows", "Streams that users follow, for all users", notices.follows.total),
        ("relay_fan_outs", "Events that are being told to followers", fan_outs.under_way),
    ):
        yield GaugeMetricFamily(name, what, value=value)
    yield CounterMetricFamily(
        "relay_followers_told", "Followers to whose channels an event came", value=fan_outs.told
    )


def _webhooks(notices: Notices) -> Iterator[Metric]:
    couriers = notices.couriers.statistics()
    attempts = CounterMetricFamily(
        "relay_webhook_attempts", "Attempts at deliveries, by outcome", labels=("outcome",)
    )
    attempts.add_metric(("delivered",), couriers.delivered)
    attempts.add_metric(("failed",), couriers.failed)
    yield attempts
    yield CounterMetricFamily(
        "relay_webhook_dead", "Deliveries that were given up", value=couriers.dead
    )
    yield GaugeMetricFamily(
        "relay_webhook_couriers", "Endpoints being delivered to", value=couriers.under_way
    )


def _websub(websub: WebSub) -> Iterator[Metric]:
    couriers = websub.couriers.statistics()
    attempts = CounterMetricFamily(
        "relay_websub_attempts", "Attempts to push a feed, by outcome", labels=("outcome",)
    )
    attempts.add_metric(("delivered",), couriers.delivered)
    attempts.add_metric(("failed",), couriers.failed)
    yield attempts
    yield CounterMetricFamily("relay_websub_dead", "Pushes that were given up", value=couriers.dead)
    requests = CounterMetricFamily(
        "relay_websub_requests", "Requests to subscribe or not, by outcome", labels=("outcome",)
    )
    for outcome, count in websub.verifying.outcomes.items():
        requests.add_metric((outcome,), count)
    yield requests
    yield GaugeMetricFamily(
        "relay_websub_subscriptions", "Subscriptions to feeds", value=len(websub.subscriptions)
    )


def _outbound(notices: Notices) -> Iterator[Metric]:
    client = notices.client.statistics()
    requests = CounterMetricFamily(
        "relay_outbound_requests", "Requests that left or were to, by outcome", labels=("outcome",)
    )
    requests.add_metric(("answered",), client.answered)
    for label, count in client.failed.items():
        requests.add_metric((label,), count)
    yield requests
    for name, what, value in (
        ("relay_outbound_active", "Requests under way", client.active),
        ("relay_outbound_waiting", "Requests that wait for a place at their host", client.waiting),
        ("relay_outbound_resolving", "Names being looked up", client.resolving),
        (
            "relay_outbound_waiting_to_resolve",
            "Names that wait to be looked up",
            client.waiting_to_resolve,
        ),
    ):
        yield GaugeMetricFamily(name, what, value=value)
