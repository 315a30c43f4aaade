"""Patches, by the tables of their specifications, and those that want to do harm."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.settings.documents import encode, is_same
from relay.settings.errors import PatchDoesNotFit, PatchRefused
from relay.settings.patching import (
    OPERATIONS,
    json_patched,
    merge_patched,
    without_untouched,
)

MOST = 1000

# RFC 7396, appendix A: original, patch, result.
MERGES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

# RFC 6902, appendix A, with None for a patch that does not fit.
PATCHES: list[tuple[Any, list[dict[str, Any]], Any]] = [
    (
        {"foo": "bar"},
        [{"op": "add", "path": "/baz", "value": "qux"}],
        {"baz": "qux", "foo": "bar"},
    ),
    (
        {"foo": ["bar", "baz"]},
        [{"op": "add", "path": "/foo/1", "value": "qux"}],
        {"foo": ["bar", "qux", "baz"]},
    ),
    ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    (
        {"foo": ["bar", "qux", "baz"]},
        [{"op": "remove", "path": "/foo/1"}],
        {"foo": ["bar", "baz"]},
    ),
    (
        {"baz": "qux", "foo": "bar"},
        [{"op": "replace", "path": "/baz", "value": "boo"}],
        {"baz": "boo", "foo": "bar"},
    ),
    (
        {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
        [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    (
        {"foo": ["all", "grass", "cows", "eat"]},
        [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
        {"foo": ["all", "cows", "eat", "grass"]},
    ),
    (
        {"baz": "qux", "foo": ["a", 2, "c"]},
        [
            {"op": "test", "path": "/baz", "value": "qux"},
            {"op": "test", "path": "/foo/1", "value": 2},
        ],
        {"baz": "qux", "foo": ["a", 2, "c"]},
    ),
    ({"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "bar"}], None),
    (
        {"foo": "bar"},
        [{"op": "add", "path": "/child", "value": {"grandchild": {}}}],
        {"foo": "bar", "child": {"grandchild": {}}},
    ),
    (
        {"foo": "bar"},
        [{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}],
        {"foo": "bar", "baz": "qux"},
    ),
    ({"foo": "bar"}, [{"op": "add", "path": "/baz/bat", "value": "qux"}], None),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": "10"}], None),
    (
        {"foo": ["bar"]},
        [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}],
        {"foo": ["bar", ["abc", "def"]]},
    ),
    ({"a": 1}, [{"op": "test", "path": "/a", "value": True}], None),
    ({"a": 1}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": 1, "b": 1}),
    ({"a": None}, [{"op": "add", "path": "/b", "value": None}], {"a": None, "b": None}),
    ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
    ({"a": 1}, [], {"a": 1}),
]

NO_PATCHES: list[Any] = [
    None,
    {},
    "[]",
    [1],
    [[]],
    [{}],
    [{"op": "add", "value": 1}],
    [{"op": "add", "path": "/a"}],
    [{"op": "test", "path": "/a"}],
    [{"op": "spam", "path": "/a"}],
    [{"op": "add", "path": 1, "value": 1}],
    [{"op": "add", "path": "a", "value": 1}],
    [{"op": "add", "path": "/~2", "value": 1}],
    [{"op": "move", "path": "/a"}],
    [{"op": "copy", "path": "/a", "from": None}],
    [{"op": "copy", "path": "/a", "from": "b"}],
    [{"op": "test", "path": "/a", "value": 1}] * (OPERATIONS + 1),
]


@pytest.mark.parametrize(("original", "patch", "result"), MERGES)
def test_a_merge_patch_does_what_its_specification_says(
    original: Any, patch: Any, result: Any
) -> None:
    before = encode(original)
    assert merge_patched(patch, original, original) == result
    assert encode(original) == before


def test_a_merge_patch_changes_defaults_as_if_they_were_set() -> None:
    shown = {"volume": 1, "chat": {"size": 2, "color": "red"}}
    patched = merge_patched({"chat": {"color": None, "name": "Ann"}}, {}, shown)
    assert patched == {"chat": {"size": 2, "name": "Ann"}}
    assert merge_patched({"volume": 1}, {}, shown) == {"volume": 1}


@pytest.mark.parametrize(("document", "patch", "result"), PATCHES)
def test_a_json_patch_does_what_its_specification_says(
    document: Any, patch: Any, result: Any
) -> None:
    before = encode([document, patch])
    if result is None:
        with pytest.raises(PatchDoesNotFit):
            json_patched(patch, document, MOST)
    else:
        assert is_same(json_patched(patch, document, MOST), result)
    assert encode([document, patch]) == before


@pytest.mark.parametrize("patch", NO_PATCHES, ids=lambda it: json.dumps(it)[:40])
def test_what_is_no_patch_is_refused(patch: Any) -> None:
    with pytest.raises(PatchRefused):
        json_patched(patch, {"a": 1}, MOST)


def test_a_patch_that_copies_the_whole_into_itself_is_stopped_early() -> None:
    bomb = [{"op": "copy", "from": "", "path": f"/{number}"} for number in range(5)]
    with pytest.raises(PatchRefused, match="at most 1000 bytes"):
        json_patched(bomb, {"a": "x" * 100}, MOST)
    assert json_patched(bomb[:3], {"a": "x" * 100}, MOST)


def test_a_patch_that_makes_the_document_deep_without_end_is_stopped() -> None:
    shaft: dict[str, Any] = {}
    for _ in range(20):
        shaft = {"c": shaft}
    down = "/c" * 20
    round_ = [
        {"op": "add", "path": "/b", "value": shaft},
        {"op": "move", "from": "/a", "path": f"/b{down}"},
        {"op": "move", "from": "/b", "path": "/a"},
    ]
    dug = json_patched(round_ * 32, {"a": 1}, 1 << 20)
    assert encode(dug).count(b"{") > 640
    with pytest.raises(PatchRefused, match="deep"):
        json_patched([*round_ * 32, {"op": "copy", "from": "/a", "path": "/b"}], {"a": 1}, 1 << 20)


paths = st.lists(st.sampled_from(["a", "b", "0", "1", "-", "9" * 5000, "~1", "\u0661"]), max_size=4)
pointers = paths.map(lambda parts: "".join(f"/{part}" for part in parts)) | st.text(max_size=4)
leaves = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=2)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "0"]), inner, max_size=3)
    ),
    max_leaves=6,
)
operations = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"]),
        "path": pointers,
    },
    optional={"from": pointers, "value": values},
)


@given(st.dictionaries(st.sampled_from(["a", "b", "0"]), values), st.lists(operations, max_size=8))
@example({"a": 1}, [{"op": "add", "path": "/a/0", "value": 1}])
@example({"a": []}, [{"op": "copy", "from": "/a/-", "path": "/b"}])
@example({"a": []}, [{"op": "test", "path": "/a/-/a", "value": 1}])
def test_whatever_a_patch_says_it_is_done_or_refused(document: Any, patch: Any) -> None:
    before = encode([document, patch])
    with suppress(PatchRefused, PatchDoesNotFit):
        json.dumps(json_patched(patch, document, MOST))
    assert encode([document, patch]) == before


def test_what_was_only_a_default_and_is_still_the_same_is_not_set() -> None:
    stored: dict[str, Any] = {"a": 1, "in": {"x": 1}}
    shown = {"a": 1, "volume": 1, "in": {"x": 1, "y": 2}, "on": True}
    assert without_untouched(shown, stored, shown) == stored
    result = {"a": 2, "volume": 1, "in": {"x": 1, "y": 3}, "on": 1}
    assert without_untouched(result, stored, shown) == {"a": 2, "in": {"x": 1, "y": 3}, "on": 1}
    assert without_untouched([1], stored, shown) == [1]


@given(values, values)
def test_where_nothing_is_a_default_all_that_was_made_is_set(stored: Any, result: Any) -> None:
    assert is_same(without_untouched(result, stored, stored), result)
