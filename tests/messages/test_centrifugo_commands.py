"""What clients of the Centrifugo protocol say, read strictly where it matters and not elsewhere."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import FormatError
from relay.messages.centrifugo.commands import (
    MAX_DEPTH,
    Command,
    Connect,
    History,
    Ping,
    Presence,
    PresenceStats,
    Publish,
    Refresh,
    Request,
    Rpc,
    Send,
    Since,
    SubRefresh,
    Subscribe,
    Unsubscribe,
    plain_json,
    read_commands,
    since,
)
from relay.publication import Position

CASES: list[dict[str, Any]] = [
    {
        "name": "connect as centrifuge-js writes it",
        "encoded": '{"connect":{"token":"t","name":"js"},"id":1}',
        "decoded": Connect(token="t", name="js"),
    },
    {
        "name": "connect with a position",
        "encoded": '{"id":1,"connect":{"subs":{"a":{"recover":true,"offset":7,"epoch":"e"}}}}',
        "decoded": Connect(subs={"a": Subscribe(recover=True, offset=7, epoch="e")}),
    },
    {
        "name": "subscribe",
        "encoded": '{"id":1,"subscribe":{"channel":"a","recoverable":true,"flag":1}}',
        "decoded": Subscribe(channel="a", recoverable=True, flag=1),
    },
    {
        "name": "unsubscribe",
        "encoded": '{"id":1,"unsubscribe":{"channel":"a"}}',
        "decoded": Unsubscribe(channel="a"),
    },
    {
        "name": "presence",
        "encoded": '{"id":1,"presence":{"channel":"a"}}',
        "decoded": Presence(channel="a"),
    },
    {
        "name": "presence_stats",
        "encoded": '{"id":1,"presence_stats":{"channel":"a"}}',
        "decoded": PresenceStats(channel="a"),
    },
    {
        "name": "history",
        "encoded": '{"id":1,"history":{"channel":"a","limit":-1,"since":{"offset":3,"epoch":"e"},'
        '"reverse":true}}',
        "decoded": History(channel="a", limit=-1, since=Since(offset=3, epoch="e"), reverse=True),
    },
    {"name": "ping", "encoded": '{"id":1,"ping":{}}', "decoded": Ping()},
    {"name": "refresh", "encoded": '{"id":1,"refresh":{"token":"t"}}', "decoded": Refresh("t")},
    {
        "name": "sub_refresh",
        "encoded": '{"id":1,"sub_refresh":{"channel":"a","token":"t"}}',
        "decoded": SubRefresh(channel="a", token="t"),
    },
    {"name": "send", "encoded": '{"id":1,"send":{"data":{"x":1}}}', "decoded": Send()},
]


def one(message: str) -> Command:
    (command,) = read_commands(message)
    return command


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_each_request_is_read(case: dict[str, Any]) -> None:
    command = one(case["encoded"])
    assert command.id == 1
    assert command.request == case["decoded"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_message_that_is_cut_is_no_command(case: dict[str, Any]) -> None:
    whole = case["encoded"]
    for end in range(len(whole)):
        with pytest.raises(FormatError):
            read_commands(whole[:end])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_trails_is_the_next_command_or_nothing(case: dict[str, Any]) -> None:
    whole = case["encoded"]
    assert read_commands(whole + "\n") == read_commands(whole)
    assert [command.id for command in read_commands(f"{whole}\n{{}}\n{whole}")] == [1, 0, 1]
    with pytest.raises(FormatError):
        read_commands(whole + "]")


@pytest.mark.parametrize(
    "data", ["1", "null", '"text"', '{"a":[1,2,{"b":"\\u00e4ö"}]}', "[]", '"a\\nb"', "1e400"]
)
def test_data_goes_through_as_it_was_written(data: str) -> None:
    for key, kind in (("publish", Publish), ("rpc", Rpc)):
        request: Request | None = one(f'{{"id":1,"{key}":{{"data": {data} }}}}').request
        assert isinstance(request, kind)
        assert isinstance(request, (Publish, Rpc))
        assert plain_json(request.data) == data.encode()


def test_data_over_several_lines_is_made_one() -> None:
    data = {"a": [1, {"b": "x y"}], "c": None}
    message = json.dumps({"id": 1, "publish": {"channel": "a", "data": data}}, indent=2)
    request = one(message.replace("\n", "\r\n")).request
    assert isinstance(request, Publish)
    line = plain_json(request.data)
    assert b"\n" not in line
    assert b"\r" not in line
    assert json.loads(line) == data


def test_no_data_is_no_publication() -> None:
    request = one('{"id":1,"publish":{"channel":"a"}}').request
    assert isinstance(request, Publish)
    with pytest.raises(FormatError):
        plain_json(request.data)


def test_data_is_nested_as_deeply_as_pages_can_bear() -> None:
    def nested(depth: int) -> msgspec.Raw:
        # What looks like brackets in a string is none.
        return msgspec.Raw(b'[{"]":' * (depth // 2) + b'"[[[\\"[[["' + b"}]" * (depth // 2))

    assert plain_json(nested(MAX_DEPTH))
    with pytest.raises(FormatError):
        plain_json(nested(MAX_DEPTH + 2))


def test_wide_data_is_not_deep() -> None:
    wide = msgspec.Raw(b"[" + b",".join([b"[]"] * 10 * MAX_DEPTH) + b"]")
    assert plain_json(wide) == bytes(wide)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "\n",
        "hello",
        "[]",
        "null",
        '{"id":-1}',
        '{"id":4294967296}',
        '{"id":1.5}',
        '{"id":"1"}',
        '{"id":1,"subscribe":[]}',
        '{"id":1,"subscribe":{"channel":7}}',
        '{"id":1,"subscribe":{"offset":-1}}',
        '{"id":1,"subscribe":{"offset":9223372036854775808}}',
        '{"id":1,"history":{"limit":2147483648}}',
        '{"id":1,"publish":{"data":NaN}}',
        '{"id":1,"publish":{"data":01}}',
        '{"id":1,"publish":{"data":"a\nb"}}',
        '{"id":1,"publish":{"data":' + "[" * 100_000,
        '{"id":1}{"id":2',
    ],
)
def test_what_is_no_command_is_refused(message: str) -> None:
    with pytest.raises(FormatError):
        read_commands(message)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\ud83d", "\ufffd"),
        (r"\uDE00", "\ufffd"),
        (r"a\ud83d\ud83d\ude00\ude00b", "a\ufffd\U0001f600\ufffdb"),
        (r"\ud83d\n\\ud83d \u0041", "\ufffd\n\\ud83d A"),
    ],
)
def test_half_an_emoji_is_shown_as_what_it_is(text: str, expected: str) -> None:
    request = one('{"id":1,"publish":{"channel":"a","data":"' + text + '"}}').request
    assert isinstance(request, Publish)
    assert json.loads(plain_json(request.data)) == expected


def test_what_later_clients_add_is_passed_over() -> None:
    command = one('{"id":1,"more":{},"subscribe":{"channel":"a","tf":{"op":""},"type":1}}')
    assert command.request == Subscribe(channel="a")


def test_the_first_request_is_taken() -> None:
    assert one('{"id":1,"unsubscribe":{},"subscribe":{"channel":"a"}}').request == Subscribe("a")


def test_an_empty_object_answers_a_ping() -> None:
    assert (one("{}").id, one("{}").request) == (0, None)


def test_only_who_wants_to_recover_has_a_position() -> None:
    assert since(None) is None
    assert since(Subscribe(offset=3, epoch="e")) is None
    assert since(Subscribe(recover=True, offset=3, epoch="e")) == Position("e", 3)


@given(st.text())
def test_any_text_is_commands_or_refused(message: str) -> None:
    try:
        commands = read_commands(message)
    except FormatError:
        return
    assert commands
