"""Who of a crowd belongs to which process, who is parsed, and when each of them comes."""

import pytest

from relay.bench.messages_plan import MessagesPlan
from relay.bench.plan import ViewPlan


def viewers(count: int, *, parsed: int = 0, processes: int = 1) -> ViewPlan:
    return ViewPlan(
        url="",
        viewers=count,
        streams=3,
        seconds=1,
        warm_s=2,
        ramp_s=5,
        parsed=parsed,
        sweep_ms=20,
        processes=processes,
    )


def subscribers(count: int, *, idle: int = 0, parsed: int = 0) -> MessagesPlan:
    return MessagesPlan(
        url="",
        publish_url="",
        channel="",
        channels=2,
        subscribers=count,
        idle=idle,
        rate=1,
        size=1,
        reconnect=False,
        token_secret="",
        publish_token="",
        seconds=1,
        warm_s=2,
        ramp_s=5,
        parsed=parsed,
        sweep_ms=20,
        processes=1,
    )


@pytest.mark.parametrize("processes", [1, 2, 3, 7])
def test_everybody_belongs_to_one_process(processes: int) -> None:
    plan = viewers(10, processes=processes)
    everybody = [number for process in range(processes) for number in plan.numbers(process)]
    assert sorted(everybody) == list(range(10))


@pytest.mark.parametrize(("parsed", "numbers"), [(0, set()), (2, {0, 5}), (99, set(range(10)))])
def test_who_is_parsed_is_spread_over_all_to_whom_something_comes(
    parsed: int, numbers: set[int]
) -> None:
    assert viewers(10, parsed=parsed).parsed_numbers() == numbers
    assert subscribers(10, idle=30, parsed=parsed).parsed_numbers() == numbers


def test_the_last_arrives_within_the_ramp_and_the_window_begins_after_the_warmth() -> None:
    plan = subscribers(4, idle=6)
    assert [plan.arrives_s(number) for number in (0, 5, 9)] == [0, 2.5, 4.5]
    assert plan.window_s == 7
    assert [plan.channel_of(number) for number in (0, 1, 2, 4, 9)] == [0, 1, 0, 2, 2]
