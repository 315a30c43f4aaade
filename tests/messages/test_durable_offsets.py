"""Offsets that sort as text, and cursors that never go back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import FormatError
from relay.messages.durable_offsets import (
    CURSOR_EPOCH_S,
    INTERVAL_S,
    Beginning,
    Now,
    Start,
    format_offset,
    next_cursor,
    parse_offset,
)
from relay.publication import Position

OFFSETS = st.integers(0, 10**15)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("-1", Beginning()),
        ("now", Now()),
        ("0a1b2c3d_0000000000000000", Position("0a1b2c3d", 0)),
        ("0a1b2c3d_0000000000000042", Position("0a1b2c3d", 42)),
        ("0a1b2c3d_9999999999999999", Position("0a1b2c3d", 10**16 - 1)),
    ],
)
def test_an_offset_means_one_position(text: str, start: Start) -> None:
    assert parse_offset(text) == start
    if isinstance(start, Position):
        assert format_offset(start) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-2",
        "NOW",
        "now ",
        "-1\n",
        "0,1",
        "0 1",
        "../0a_0000000000000001",
        "0a_0000000000000001/..",
        "0a_0000000000000001\x00",
        "0a_0000000000000001\n",
        "0a_000000000000001",
        "0a_00000000000000001",
        "0a_-000000000000001",
        "_0000000000000001",
        "0a__0000000000000001",
        "ä_0000000000000001",
        "0a_" + 16 * "\N{ARABIC-INDIC DIGIT ONE}",
        "a" * 65 + "_0000000000000001",
    ],
)
def test_what_we_never_gave_is_no_offset(text: str) -> None:
    with pytest.raises(FormatError):
        parse_offset(text)


@given(st.text())
def test_any_text_is_an_offset_or_refused(text: str) -> None:
    try:
        start = parse_offset(text)
    except FormatError:
        return
    assert isinstance(start, Beginning | Now) or format_offset(start) == text


@given(OFFSETS, OFFSETS)
def test_offsets_sort_as_text_as_their_positions_do(one: int, other: int) -> None:
    texts = [format_offset(Position("0a1b2c3d", offset)) for offset in (one, other)]
    assert (texts[0] < texts[1]) == (one < other)
    assert "-1" not in texts
    assert not any(set(text) & set(",&=?/") for text in texts)


def test_a_cursor_stays_the_same_for_an_interval() -> None:
    start = CURSOR_EPOCH_S + 1000 * INTERVAL_S
    assert next_cursor(None, start) == next_cursor(None, start + INTERVAL_S - 0.001) == 1000
    assert next_cursor(None, start + INTERVAL_S) == 1001
    assert next_cursor(None, 0) == 0


@pytest.mark.parametrize(
    ("theirs", "cursor"),
    [("0", 1000), ("999", 1000), ("1000", 1001), ("1001", 1002), ("9" * 18, 10**18)],
)
def test_a_client_gets_a_cursor_beyond_its_own(theirs: str, cursor: int) -> None:
    assert next_cursor(theirs, CURSOR_EPOCH_S + 1000 * INTERVAL_S) == cursor


def test_those_who_collide_go_on_sharing_an_address() -> None:
    now = CURSOR_EPOCH_S + 1000 * INTERVAL_S
    assert next_cursor("1000", now) == next_cursor("1000", now + 5)


@pytest.mark.parametrize("theirs", ["", "-1", "+1", "1.0", "abc", " 1", "9" * 19, "٣"])
def test_what_is_no_cursor_is_refused(theirs: str) -> None:
    with pytest.raises(FormatError):
        next_cursor(theirs, 2e9)
