"""Counts of connections: strangers by address, places for newcomers, and the reserve."""

import pytest

from relay.server.admission import RESERVED_DESCRIPTORS, Admission, Stranger

HERE, THERE = "192.0.2.1", "192.0.2.2"


def nothing() -> None:
    """Nobody is dismissed."""


def enter(admission: Admission, address: str = HERE, idle_since: float | None = None) -> Stranger:
    stranger = admission.enter(address, nothing)
    stranger.idle_since = idle_since
    return stranger


def test_strangers_are_counted_by_address() -> None:
    admission = Admission(1000, 2)
    first = enter(admission)
    enter(admission)
    assert not admission.may_enter(HERE)
    assert admission.may_enter(THERE)
    first.leave()
    assert admission.may_enter(HERE)
    assert admission.stranger_count == 1


def test_leaving_twice_counts_once_and_leaves_no_address() -> None:
    admission = Admission(1000, 2)
    stranger = enter(admission)
    stranger.leave()
    stranger.leave()
    assert admission.stranger_count == 0
    assert not admission._strangers


def test_the_one_that_has_been_idle_longest_makes_room() -> None:
    admission = Admission(1000, 3)
    dismissed = []
    for idle_since in (5.0, 3.0, None):
        stranger = admission.enter(HERE, lambda since=idle_since: dismissed.append(since))  # type: ignore[misc]
        stranger.idle_since = idle_since
    assert admission.may_enter(HERE)
    assert dismissed == [3.0]
    enter(admission)
    assert admission.may_enter(HERE)
    enter(admission)
    assert dismissed == [3.0, 5.0]
    assert not admission.may_enter(HERE)


def test_a_client_that_a_proxy_names_is_counted_as_itself() -> None:
    admission = Admission(1000, 1)
    stranger = enter(admission, HERE)
    assert stranger.move(THERE)
    assert admission.may_enter(HERE)
    assert not admission.may_enter(THERE)
    assert stranger.move(THERE)
    assert not enter(admission, HERE).move(THERE)
    assert admission.stranger_count == 1
    stranger.leave()
    assert not admission._strangers


@pytest.mark.parametrize(
    ("descriptors", "connections", "full", "overfull"),
    [
        (1024, 959, False, False),
        (1024, 960, True, False),
        (1024, 991, True, False),
        (1024, 992, True, True),
        (10, 0, False, False),
        (10, 1, True, False),
    ],
)
def test_the_reserve_is_for_saying_no_and_half_of_it_for_the_operator(
    descriptors: int, connections: int, full: bool, overfull: bool
) -> None:
    admission = Admission(descriptors, 1)
    admission.connections = connections
    assert (admission.is_full, admission.is_overfull) == (full, overfull)
    assert admission.capacity == max(1, descriptors - RESERVED_DESCRIPTORS)
