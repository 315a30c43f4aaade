"""Wrong keys from one address run into a wall; nobody else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.identity.throttle import Throttle


def wrong(throttle: Throttle, address: str, times: int, *, now: float = 0.0) -> None:
    for _ in range(times):
        throttle.count(address, now)


def test_an_address_is_refused_after_its_tenth_wrong_key() -> None:
    throttle = Throttle(10)
    wrong(throttle, "192.0.2.1", 9)
    assert throttle.allowed("192.0.2.1", 0.0)
    wrong(throttle, "192.0.2.1", 1)
    assert not throttle.allowed("192.0.2.1", 0.0)


def test_the_refusal_lasts_a_minute_from_the_last_wrong_key() -> None:
    throttle = Throttle(2)
    throttle.count("192.0.2.1", 0.0)
    throttle.count("192.0.2.1", 50.0)
    assert not throttle.allowed("192.0.2.1", 109.9)
    assert throttle.allowed("192.0.2.1", 110.0)


def test_a_wrong_key_during_the_refusal_does_not_lift_it() -> None:
    throttle = Throttle(2)
    throttle.count("192.0.2.1", 0.0)
    throttle.count("192.0.2.1", 50.0)
    throttle.count("192.0.2.1", 61.0)
    assert not throttle.allowed("192.0.2.1", 109.9)


def test_wrong_keys_far_apart_are_never_refused() -> None:
    throttle = Throttle(2)
    for minute in range(100):
        throttle.count("192.0.2.1", minute * 60.0)
        assert throttle.allowed("192.0.2.1", minute * 60.0)


def test_other_addresses_are_untouched() -> None:
    throttle = Throttle(1)
    throttle.count("192.0.2.1", 0.0)
    assert throttle.allowed("192.0.2.2", 0.0)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1:2:3", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("memory-1", "memory-1", True),
        ("memory-1", "memory-2", False),
    ],
)
def test_the_addresses_that_one_party_controls_count_together(
    one: str, other: str, same: bool
) -> None:
    throttle = Throttle(1)
    throttle.count(one, 0.0)
    assert throttle.allowed(other, 0.0) is not same


@given(st.lists(st.integers(0, 2**32 - 1), max_size=60))
def test_memory_is_bounded_however_many_addresses_come(addresses: list[int]) -> None:
    throttle = Throttle(3, max_addresses=8)
    for number in addresses:
        throttle.count(f"peer-{number}", 0.0)
        assert len(throttle) <= 8


def test_the_address_longest_without_a_wrong_key_is_forgotten_first() -> None:
    throttle = Throttle(1, max_addresses=2)
    for address in ("a", "b", "a", "c"):
        throttle.count(address, 0.0)
    refused = [address for address in ("a", "b", "c") if not throttle.allowed(address, 0.0)]
    assert refused == ["a", "c"]
