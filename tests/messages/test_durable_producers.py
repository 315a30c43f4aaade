"""Which appends of a producer are new, were there, or may not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.messages.durable_headers import Producer
from relay.messages.durable_producers import (
    BeginsWrong,
    IsNext,
    IsStale,
    LeavesGap,
    Verdict,
    WasThere,
    judge,
)


@pytest.mark.parametrize(
    ("asks", "last", "verdict"),
    [
        ((0, 0), None, IsNext()),
        ((7, 0), None, IsNext()),
        ((0, 1), None, LeavesGap(0)),
        ((0, 0), (0, 0), WasThere(0)),
        ((0, 1), (0, 0), IsNext()),
        ((0, 2), (0, 0), LeavesGap(1)),
        ((0, 3), (0, 5), WasThere(5)),
        ((0, 5), (0, 5), WasThere(5)),
        ((1, 0), (0, 5), IsNext()),
        ((9, 0), (0, 5), IsNext()),
        ((1, 1), (0, 5), BeginsWrong()),
        ((0, 6), (1, 0), IsStale(1)),
        ((0, 0), (1, 0), IsStale(1)),
    ],
)
def test_an_append_is_judged_by_the_one_before(
    asks: tuple[int, int], last: tuple[int, int] | None, verdict: Verdict
) -> None:
    epoch, seq = last or (None, 0)
    assert judge(Producer("a", *asks), epoch, seq) == verdict


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4))))
def test_whatever_comes_each_append_is_added_once_and_in_order(
    attempts: list[tuple[int, int]],
) -> None:
    added: list[tuple[int, int]] = []
    for attempt in attempts:
        epoch, seq = added[-1] if added else (None, 0)
        if judge(Producer("a", *attempt), epoch, seq) == IsNext():
            added.append(attempt)
    assert added == sorted(set(added))
    for epoch in {epoch for epoch, _ in added}:
        seqs = [seq for each, seq in added if each == epoch]
        assert seqs == list(range(len(seqs)))
