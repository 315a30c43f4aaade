"""Figures become a report: percentiles, who was fed, and whether to believe any of it."""

from typing import Any

import attrs
import pytest

from relay.bench.distribution import Distribution
from relay.bench.limits import limits
from relay.bench.plan import Figures, Tally, ViewPlan
from relay.bench.report import PublishReport
from relay.bench.summary import NO_STAMPS, OTHER_CLOCK, fed, report

PLAN = ViewPlan(
    url="ws://host/live/s%.flv?token=secret",
    viewers=10,
    streams=3,
    seconds=10,
    warm_s=1,
    ramp_s=5,
    parsed=4,
    sweep_ms=20,
    processes=3,
)
FIGURES = Figures(
    tally=Tally(connected=2, playing=2, refused=1, closed=1, bytes=125_000),
    refusals={"HTTP/1.1 503 Service Unavailable": 1},
    seconds=10.0,
    stalled=1,
    steady={"0": [100], "1": [100]},
    connect_ms=[1.0, 2.0],
    media_ms=[3.0],
    keyframe_ms=[],
    parsed=1,
    frames=300,
    lost=2,
    out_of_order=1,
    latency_ms=[5.0, 6.0, 100.0],
    machines=["here"],
    late_ms=[0.1, 0.2],
    cpu_share=0.25,
)


def figures(**changes: Any) -> Figures:
    return attrs.evolve(FIGURES, **changes)


def test_percentiles_are_by_nearest_rank() -> None:
    found = Distribution.of(float(value) for value in range(200, 0, -1))
    assert found == Distribution(200, 100, 180, 198, 200)
    assert Distribution.of([7.0]) == Distribution(1, 7, 7, 7, 7)
    assert Distribution.of([]) is None


def test_viewers_are_shared_out_and_the_parsed_evenly_spread() -> None:
    shares = [list(PLAN.numbers(process)) for process in range(3)]
    assert shares == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]
    assert PLAN.parsed_numbers() == {0, 2, 5, 7}
    assert attrs.evolve(PLAN, parsed=50).parsed_numbers() == set(range(10))
    assert attrs.evolve(PLAN, parsed=0).parsed_numbers() == set()
    assert [PLAN.stream(number) for number in range(4)] == [0, 1, 2, 0]
    assert [PLAN.arrives_s(number) for number in (0, 5)] == [0, 2.5]


def test_processes_are_summed_and_their_times_ranked_together() -> None:
    made = report(PLAN, [FIGURES, figures(latency_ms=[1.0], seconds=10.5)], "here").as_json()
    assert (made["connected"], made["playing"], made["refused"], made["closed"]) == (4, 4, 2, 2)
    assert made["refusals"] == {"HTTP/1.1 503 Service Unavailable": 2}
    assert (made["frames"], made["lost"], made["out_of_order"], made["stalled"]) == (600, 4, 2, 2)
    assert (made["bytes"], made["seconds"]) == (250_000, 10.5)
    assert made["bits_per_s"] == pytest.approx(2_000_000 / 10.5)
    assert made["latency_ms"] == {"count": 4, "p50": 5.0, "p90": 100.0, "p99": 100.0, "max": 100.0}
    assert made["keyframe_ms"] is None
    assert (made["cpu_share"], made["limited_by_load"]) == ([0.25, 0.25], False)
    assert made["url"] == "ws://host/live/s%.flv?token=..."


def test_who_gets_less_than_the_others_of_the_stream_is_not_fed() -> None:
    assert fed([{"0": [100, 100, 80]}, {"0": [95], "1": [10, 10]}, {"2": [0]}]) == 5


@pytest.mark.parametrize(("machines", "why"), [([], NO_STAMPS), (["here", "there"], OTHER_CLOCK)])
def test_stamps_that_tell_nothing_give_no_latency(machines: list[str], why: str) -> None:
    made = report(PLAN, [figures(machines=machines)], "here")
    assert (made.latency_ms, made.no_latency) == (None, why)
    assert any(why in line for line in made.lines())


def test_a_generator_with_room_to_spare_is_no_limit() -> None:
    assert limits("sweeps", [0.8, 0.3], Distribution(9, 1, 2, 20, 500), 20) == []


def test_a_generator_without_a_core_to_itself_says_so() -> None:
    busy, late = limits("ticks", [0.3, 0.93], Distribution(9, 1, 2, 21, 21), 20)
    assert "took 93% of a core" in busy
    assert "own ticks were 21 ms late" in late


def test_a_busy_generator_is_the_last_word_of_a_report() -> None:
    made = report(PLAN, [figures(cpu_share=0.95)], "here")
    assert list(made.lines())[-1].startswith("LIMITED BY THE LOAD: ")
    assert made.as_json()["limited_by_load"] is True


def test_a_publisher_reports_rates_and_refusals() -> None:
    made = PublishReport(
        url="rtmp://host/live/s%",
        streams=3,
        publishing=2,
        refused=1,
        refusals={"denied": 1},
        lost=1,
        backlogged=1,
        connect_s=0.5,
        seconds=10,
        bytes=2_500_000,
        messages=1460,
        ticks=600,
        late_ms=Distribution(600, 1, 2, 3, 4),
        cpu_share=0.1,
        limits=[],
    )
    assert list(made.lines()) == [
        "published    2 of 3, 4 connects/s",
        "refused      1",
        "             1: denied",
        "lost         1, ended by the server",
        "backlogged   1, because the server did not read in time",
        "sent         2.5 MB in 10.0 s, 0.002 Gbit/s",
        "             146 messages/s",
        "ticks late   p50 1.0  p90 2.0  p99 3.0  max 4.0 ms",
        "own CPU      10% of a core",
    ]
    rates = made.as_json()
    assert (rates["connects_per_s"], rates["messages_per_s"]) == (4, 146)
