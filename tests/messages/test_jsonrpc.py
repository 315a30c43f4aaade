"""JSON-RPC 2.0 by its specification, and by what else can stand in a body."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.messages import jsonrpc
from relay.messages.jsonrpc import Call, Refused, RpcError, answers, arguments, error, parse, result


def body(**members: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode()


TABLE: list[tuple[str, bytes, Call]] = [
    ("names", body(method="a", params={"x": 1}, id=1), Call("a", {"x": 1}, 1)),
    ("positions", body(method="a", params=[1, 2], id="7"), Call("a", [1, 2], "7")),
    ("no params", body(method="a.b", id=-1.5), Call("a.b", {}, -1.5)),
    ("a null id is an id", body(method="a", id=None), Call("a", {}, None)),
    ("notification", body(method="a"), Call("a", {}, None, is_notification=True)),
    ("other members", body(method="a", id=1, other=[]), Call("a", {}, 1)),
]


@pytest.mark.parametrize(("_name", "encoded", "call"), TABLE)
def test_calls_are_read(_name: str, encoded: bytes, call: Call) -> None:
    calls = parse(encoded)
    assert not calls.is_batch
    assert calls.items == (call,)
    batch = parse(b"[%b,%b]" % (encoded, encoded))
    assert batch.is_batch
    assert batch.items == (call, call)


@pytest.mark.parametrize(
    ("encoded", "code"),
    [
        (b"", jsonrpc.PARSE_ERROR),
        (b"{", jsonrpc.PARSE_ERROR),
        (b'{"jsonrpc":"2.0","method":"a"} x', jsonrpc.PARSE_ERROR),
        (b"\xff", jsonrpc.PARSE_ERROR),
        (b'"\xff"', jsonrpc.PARSE_ERROR),
        (b"NaN", jsonrpc.PARSE_ERROR),
        (b"[" * 100_000, jsonrpc.PARSE_ERROR),
        (b'{"a":' * 100_000, jsonrpc.PARSE_ERROR),
        (b"[]", jsonrpc.INVALID_REQUEST),
        (b"[" + b",".join([body(method="a")] * 33) + b"]", jsonrpc.INVALID_REQUEST),
    ],
)
def test_a_body_that_holds_no_calls_is_one_error(encoded: bytes, code: int) -> None:
    with pytest.raises(RpcError) as refused:
        parse(encoded)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("encoded", "call_id"),
    [
        (b"1", None),
        (b"null", None),
        (b'"a"', None),
        (b"{}", None),
        (b'{"jsonrpc":"1.0","method":"a","id":4}', 4),
        (b'{"method":"a","id":4}', 4),
        (body(method=5, id=4), 4),
        (body(method="m" * 65, id=4), 4),
        (body(id=4), 4),
        (body(method="a", params=5, id=4), 4),
        (body(method="a", params=None, id=4), 4),
        (body(method="a", id=[]), None),
        (body(method="a", id=True), None),
        (body(method="a", id="i" * 129), None),
    ],
)
def test_what_is_no_call_is_refused_and_its_neighbours_are_served(
    encoded: bytes, call_id: int | None
) -> None:
    good = body(method="b", id=9)
    (refused,) = parse(encoded).items
    assert isinstance(refused, Refused)
    assert refused.error.code == jsonrpc.INVALID_REQUEST
    assert refused.id == call_id
    assert parse(b"[%b,%b]" % (encoded, good)).items[1] == Call("b", {}, 9)


def test_answers_are_what_the_specification_shows() -> None:
    assert json.loads(result(1, b'{"a":[]}')) == {"jsonrpc": "2.0", "id": 1, "result": {"a": []}}
    failed = error(None, RpcError(jsonrpc.PARSE_ERROR, "this is not JSON"))
    assert json.loads(failed) == {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -32700, "message": "this is not JSON"},
    }
    assert answers([b"1"], is_batch=False) == b"1"
    assert answers([b"1"], is_batch=True) == b"[1]"
    assert answers([b"1", b"2"], is_batch=True) == b"[1,2]"
    assert answers([], is_batch=True) == b""


def test_parameters_have_names_also_where_they_came_by_position() -> None:
    names = ("session", "timeout")
    assert arguments(["s", 5], names) == {"session": "s", "timeout": 5}
    assert arguments(["s"], names) == {"session": "s"}
    assert arguments({"timeout": 5}, names) == {"timeout": 5}
    for wrong in (["s", 5, 6], {"colour": 1}):
        with pytest.raises(RpcError) as refused:
            arguments(wrong, names)
        assert refused.value.code == jsonrpc.INVALID_PARAMS
        assert "session, timeout" in refused.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(
    st.one_of(JSON, st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "method": JSON, "id": JSON}))
)
def test_any_value_gets_answers_that_are_json(value: Any) -> None:
    try:
        calls = parse(json.dumps(value).encode())
    except RpcError:
        return
    for item in calls.items:
        assert json.loads(result(item.id, b"1"))["id"] == item.id


@given(st.binary(max_size=200))
def test_any_bytes_are_calls_or_an_error(encoded: bytes) -> None:
    try:
        parse(encoded)
    except RpcError as refused:
        assert refused.code in (jsonrpc.PARSE_ERROR, jsonrpc.INVALID_REQUEST)  # noqa: PT017
