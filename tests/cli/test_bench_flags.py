"""Flags of `relay bench`: what a crowd is told, and what it makes of it."""

from typing import Any

import pytest

from relay.cli.bench_flags import ARRIVALS_PER_S, CrowdFlags
from relay.cli.bench_messages import SubscriberFlags
from relay.errors import ConfigError


@pytest.mark.parametrize(
    ("flag", "least", "said"),
    [
        ("seconds", 0.1, "--seconds must be above 0"),
        ("warm", 0, "--warm must be 0 or more"),
        ("ramp", 0, "--ramp must be 0 or more"),
        ("parsed", 0, "--parsed must be 0 or more"),
        ("sweep_ms", 0, "--sweep-ms must be 0 or more"),
        ("processes", 1, "--processes must be above 0"),
    ],
)
def test_each_flag_has_its_range(flag: str, least: float, said: str) -> None:
    values: dict[str, Any] = {flag: least}
    CrowdFlags(**values)
    for wrong in (-1, float("inf"), float("nan")):
        values[flag] = wrong
        with pytest.raises(ConfigError, match=said):
            CrowdFlags(**values)


@pytest.mark.parametrize(
    ("ramp", "connections", "ramp_s"),
    [(None, 10, 1.0), (None, 5 * ARRIVALS_PER_S, 5.0), (0.0, 10, 0.0), (7.5, 10, 7.5)],
)
def test_they_arrive_at_a_rate_unless_told_otherwise(
    ramp: float | None, connections: int, ramp_s: float
) -> None:
    assert CrowdFlags(ramp=ramp).plan(connections)["ramp_s"] == ramp_s


def test_there_is_no_process_without_anybody() -> None:
    assert CrowdFlags(processes=4).plan(2)["processes"] == 2


def test_subscribers_are_read_less_often_than_viewers_and_more_of_them_at_once() -> None:
    viewers, subscribers = CrowdFlags(seconds=1), SubscriberFlags(seconds=1)
    assert (viewers.parsed, viewers.sweep_ms) == (20, 20)
    assert (subscribers.parsed, subscribers.sweep_ms) == (50, 50)
