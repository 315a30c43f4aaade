"""Documents: one spelling, and bounds on what strangers bring."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import FormatError
from relay.settings.documents import (
    Bounds,
    check_depth,
    check_document,
    decode,
    encode,
    is_same,
    read_value,
)
from relay.settings.errors import SettingsRefused, TooLarge

BOUNDS = Bounds(document_bytes=100, user_bytes=200, namespaces=3, depth=3)

plain = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5)
values = st.recursive(
    plain | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=3), values))
def test_a_document_comes_back_as_it_was(document: dict[str, Any]) -> None:
    assert decode(encode(document)) == document
    assert is_same(decode(encode(document)), document)


def test_the_order_of_members_makes_no_difference_and_types_do() -> None:
    assert encode({"b": 1, "a": {"d": 2, "c": 3}}) == b'{"a":{"c":3,"d":2},"b":1}'
    assert is_same({"b": 1, "a": 2}, {"a": 2, "b": 1})
    assert not is_same({"a": True}, {"a": 1})
    assert not is_same({"a": [1, 2]}, {"a": [2, 1]})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b"[Infinity]",
        b"1e999",
        b"1" * 5000,
        b'"\xff"',
        b'"\\ud800"',
        b'"\\ud800a"',
        b"\xef\xbb\xbf{}",
        b"{'a': 1}",
        b'{"a":1}{',
        b'{"a":1,}',
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(FormatError):
        read_value(body, 9)


@given(st.binary(max_size=60))
def test_whatever_bytes_come_they_are_a_value_or_refused(body: bytes) -> None:
    try:
        read_value(body, 3)
    except (FormatError, SettingsRefused):
        return


@pytest.mark.parametrize("depth", [5, 500, 50_000, 500_000])
def test_what_is_too_deep_is_refused_however_deep(depth: int) -> None:
    for body in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        with pytest.raises(SettingsRefused):
            read_value(body, 4)


def nested(depth: int) -> Any:
    """Lists and objects in turn, so deep within each other."""
    value: Any = 1
    for number in range(depth):
        value = [value, {}] if number % 2 else {"a": value, "b": [1]}
    return value


@pytest.mark.parametrize(
    ("value", "depth"),
    [(1, 0), ("a", 0), ({}, 1), ([], 1), ({"a": 1}, 1), ({"a": {}}, 2), ([[1], [[2]]], 3)],
)
def test_depth_is_that_of_lists_and_objects(value: Any, depth: int) -> None:
    check_depth(value, depth)
    if depth:
        with pytest.raises(SettingsRefused):
            check_depth(value, depth - 1)


def test_a_document_is_an_object_of_a_bounded_size_and_depth() -> None:
    assert check_document({"b": 1, "a": "x"}, BOUNDS) == b'{"a":"x","b":1}'
    others: list[Any] = [1, None, [], "text"]
    for value in others:
        with pytest.raises(SettingsRefused, match="object"):
            check_document(value, BOUNDS)
    with pytest.raises(SettingsRefused, match="deep"):
        check_document(nested(5), BOUNDS)
    check_document({"a": "x" * 92}, BOUNDS)
    with pytest.raises(TooLarge, match="101 bytes"):
        check_document({"a": "x" * 93}, BOUNDS)
