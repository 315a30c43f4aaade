"""The figures of several processes as one report of messages."""

import json

import attrs
import pytest

from relay.bench.distribution import Distribution
from relay.bench.messages_plan import (
    MessagesPlan,
    MessagesTally,
    PublisherFigures,
    SubscriberFigures,
)
from relay.bench.messages_report import MessagesReport
from relay.bench.messages_summary import NO_STAMPS, OTHER_CLOCK, report

HERE = "0123abcd"
PLAN = MessagesPlan(
    url="ws://localhost/connection/websocket?token=secret-of-somebody",
    publish_url="",
    channel="bench-%",
    channels=2,
    subscribers=10,
    idle=5,
    rate=20,
    size=100,
    reconnect=False,
    token_secret="",
    publish_token="",
    seconds=2,
    warm_s=1,
    ramp_s=3,
    parsed=4,
    sweep_ms=50,
    processes=2,
)
SEEN = SubscriberFigures(
    tally=MessagesTally(subscribed=7, refused=1, closed=0, messages=190),
    refusals={"HTTP/1.1 503": 1},
    seconds=2.0,
    bytes=50_000,
    subscribe_ms=[1.0, 2.0],
    lost=0,
    repeated=0,
    unrecovered=0,
    recover_ms=[],
    latency_ms=[5.0, 7.0],
    machines=[HERE],
    late_ms=[0.1],
    cpu_share=0.2,
)
DONE = PublisherFigures(
    seconds=2.0,
    published=80,
    acknowledged=79,
    refusals={},
    acknowledge_ms=[1.0],
    late_ms=[0.1],
    cpu_share=0.1,
)


def made(
    *seen: SubscriberFigures, plan: MessagesPlan = PLAN, done: PublisherFigures | None = DONE
) -> MessagesReport:
    return report(plan, seen or (SEEN, SEEN), done, HERE)


def test_processes_are_added_up_and_deliveries_are_messages_times_subscribers() -> None:
    found = made()
    assert (found.subscribed, found.refused, found.refusals) == (14, 2, {"HTTP/1.1 503": 2})
    assert found.deliveries_per_s == 190
    assert found.offered == 80 * 5
    assert found.latency_ms == Distribution.of([5.0, 7.0, 5.0, 7.0])
    assert found.limits == []
    as_json = json.loads(json.dumps(found.as_json()))
    assert as_json["offered_per_s"] == 200
    assert as_json["limited_by_load"] is False
    assert as_json["publisher"]["acknowledged"] == 79
    assert "secret-of-somebody" not in str(as_json)


def test_it_is_said_in_words_what_was_seen() -> None:
    storm = attrs.evolve(SEEN, recover_ms=[1000.0, 2000.0], unrecovered=1, lost=3)
    said = "\n".join(made(storm).lines())
    assert "subscribed   7 of 15" in said
    assert "recovered    1 of 2" in said
    assert "3 lost, 0 repeated" in said
    assert "of 200/s offered" in said
    assert "published    80, 79 acknowledged" in said


def test_without_a_publisher_nothing_is_offered() -> None:
    found = made(done=None)
    assert (found.offered, found.publisher) == (0, None)
    assert "published" not in "\n".join(found.lines())


@pytest.mark.parametrize(("machines", "why"), [([], NO_STAMPS), (["ffffffff"], OTHER_CLOCK)])
def test_latency_is_said_only_where_there_is_one(machines: list[str], why: str) -> None:
    found = made(attrs.evolve(SEEN, machines=machines))
    assert (found.latency_ms, found.no_latency) == (None, why)


@pytest.mark.parametrize(
    ("seen", "done", "why"),
    [
        (attrs.evolve(SEEN, cpu_share=0.9), DONE, "took 90% of a core"),
        (attrs.evolve(SEEN, late_ms=[40.0]), DONE, "sweeps were 40 ms late"),
        (SEEN, attrs.evolve(DONE, late_ms=[40.0]), "publications were 40 ms late"),
        (SEEN, attrs.evolve(DONE, published=70), "fewer messages were published"),
    ],
)
def test_a_load_that_was_the_limit_says_so_last(
    seen: SubscriberFigures, done: PublisherFigures, why: str
) -> None:
    *_, last = made(seen, done=done).lines()
    assert last.startswith("LIMITED BY THE LOAD: ")
    assert why in last


def test_subscribers_are_spread_over_processes_channels_and_time() -> None:
    numbers = [*PLAN.numbers(0), *PLAN.numbers(1)]
    assert sorted(numbers) == list(range(15))
    assert [PLAN.channel_of(number) for number in range(15)] == [0, 1] * 5 + [2] * 5
    assert PLAN.parsed_numbers() == {0, 2, 5, 7}
    assert (PLAN.arrives_s(0), PLAN.arrives_s(10), PLAN.window_s) == (0, 2, 4)
