"""What the server says in the Centrifugo protocol: one line of JSON each."""

import json
from typing import Any

import pytest

from relay.messages.centrifugo import replies
from relay.messages.centrifugo.codes import (
    INSUFFICIENT_STATE,
    SUBSCRIPTION_EXPIRED,
    Disconnect,
    ErrorCode,
    disconnect_for,
)
from relay.messages.centrifugo.replies import (
    ConnectResult,
    RefreshResult,
    SubRefreshResult,
    SubscribeResult,
)
from relay.publication import Author, Moment, Position, Publication
from relay.reasons import Reason

ANN = Author("ann", "c1", b'{"name":"Ann"}')
PLAIN = Publication(offset=1, data=b"{}", at_ms=5)
SAID = Publication(
    offset=2,
    data=b'{"text":"\xc3\xb6"}',
    at_ms=6,
    author=ANN,
    tags=(("a", "b"),),
    moment=Moment("s1", 1500),
)
PLAIN_JSON: dict[str, Any] = {"data": {}, "offset": 1, "time": 5}
ANN_JSON = {"user": "ann", "client": "c1", "conn_info": {"name": "Ann"}}
SAID_JSON: dict[str, Any] = {
    "data": {"text": "ö"},
    "offset": 2,
    "time": 6,
    "info": ANN_JSON,
    "tags": {"a": "b", "session": "s1", "media_ms": "1500"},
}

CASES: list[tuple[bytes, dict[str, Any]]] = [
    (replies.PING, {}),
    (replies.done(7, "publish"), {"id": 7, "publish": {}}),
    (
        replies.refusal(7, ErrorCode.PERMISSION_DENIED.value),
        {"id": 7, "error": {"code": 103, "message": "permission denied"}},
    ),
    (
        replies.refusal(7, ErrorCode.TOO_MANY_REQUESTS.value),
        {"id": 7, "error": {"code": 111, "message": "too many requests", "temporary": True}},
    ),
    (
        replies.result(
            1,
            "connect",
            ConnectResult(client="c", version="v", ping=25, pong=True, session="s", node="n"),
        ),
        {
            "id": 1,
            "connect": {
                "client": "c",
                "version": "v",
                "ping": 25,
                "pong": True,
                "session": "s",
                "node": "n",
            },
        },
    ),
    (
        replies.result(2, "subscribe", SubscribeResult(epoch="e", offset=0)),
        {"id": 2, "subscribe": {"epoch": "e", "offset": 0}},
    ),
    (
        replies.result(
            2,
            "subscribe",
            SubscribeResult(
                epoch="e",
                offset=2,
                recovered=True,
                was_recovering=True,
                recoverable=True,
                positioned=True,
                expires=True,
                ttl=9,
                publications=replies.publications([PLAIN, SAID]),
            ),
        ),
        {
            "id": 2,
            "subscribe": {
                "epoch": "e",
                "offset": 2,
                "recovered": True,
                "was_recovering": True,
                "recoverable": True,
                "positioned": True,
                "expires": True,
                "ttl": 9,
                "publications": [PLAIN_JSON, SAID_JSON],
            },
        },
    ),
    (
        replies.result(3, "refresh", RefreshResult(client="c", version="v", expires=True, ttl=9)),
        {"id": 3, "refresh": {"client": "c", "version": "v", "expires": True, "ttl": 9}},
    ),
    (replies.result(3, "sub_refresh", SubRefreshResult()), {"id": 3, "sub_refresh": {}}),
    (
        replies.history(4, [SAID], Position("e", 2)),
        {"id": 4, "history": {"publications": [SAID_JSON], "epoch": "e", "offset": 2}},
    ),
    (
        replies.presence(5, {"c1": ANN, "c2": Author("", "c2")}),
        {"id": 5, "presence": {"presence": {"c1": ANN_JSON, "c2": {"user": "", "client": "c2"}}}},
    ),
    (
        replies.presence_stats(6, 3, 2),
        {"id": 6, "presence_stats": {"num_clients": 3, "num_users": 2}},
    ),
    (replies.rpc(7, b"[1]"), {"id": 7, "rpc": {"data": [1]}}),
    (replies.publication("a", PLAIN), {"push": {"channel": "a", "pub": PLAIN_JSON}}),
    (replies.publication('"ö', SAID), {"push": {"channel": '"ö', "pub": SAID_JSON}}),
    (replies.joined("a", ANN), {"push": {"channel": "a", "join": {"info": ANN_JSON}}}),
    (replies.left("a", ANN), {"push": {"channel": "a", "leave": {"info": ANN_JSON}}}),
    (
        replies.subscribed("a", SubscribeResult(epoch="e", offset=3)),
        {"push": {"channel": "a", "subscribe": {"epoch": "e", "offset": 3}}},
    ),
    (
        replies.unsubscribed("a", SUBSCRIPTION_EXPIRED),
        {
            "push": {
                "channel": "a",
                "unsubscribe": {"code": 2501, "reason": "subscription expired"},
            }
        },
    ),
]


@pytest.mark.parametrize(("encoded", "decoded"), CASES)
def test_each_is_one_line_that_says_what_it_should(encoded: bytes, decoded: dict[str, Any]) -> None:
    assert json.loads(encoded) == decoded
    assert b"\n" not in encoded


@pytest.mark.parametrize("code", ErrorCode)
def test_an_error_is_as_centrifugo_numbers_it(code: ErrorCode) -> None:
    number = code.value.code
    # A site's own begin at 400; ours are of rooms, where waiting helps against two of them.
    assert 100 <= number <= 112 or 460 <= number <= 466
    assert code.value.temporary is (number in (100, 111, 461, 462))


@pytest.mark.parametrize(
    ("reason", "code", "comes_back"),
    [
        (Reason.SERVER_STOPPING, 3001, True),
        (Reason.INTERNAL_ERROR, 3004, True),
        (Reason.TOKEN_EXPIRED, 3005, True),
        (Reason.SUBSCRIBER_TOO_SLOW, 3008, True),
        (Reason.PING_TIMEOUT, 3012, True),
        (Reason.WRONG_TOKEN, 3500, False),
        (Reason.PROTOCOL_ERROR, 3501, False),
        (Reason.HANDSHAKE_TIMEOUT, 3502, False),
        (Reason.SENT_AWAY, 3503, False),
        # Below 3000 an SDK takes it for a lost connection.
        (Reason.OUTLET_OVERFLOW, 4003, True),
        (Reason.SERVER_FULL, 1013, True),
    ],
)
def test_each_end_has_a_code_that_says_whether_to_come_back(
    reason: Reason, code: int, comes_back: bool
) -> None:
    why = disconnect_for(reason)
    assert (why.code, why.is_terminal) == (code, not comes_back)


def test_the_ranges_of_sites_own_codes_say_the_same() -> None:
    codes = [2999, 3499, 3500, 3999, 4000, 4499, 4500, 4999]
    assert [code for code in codes if Disconnect(code, "").is_terminal] == [3500, 3999, 4500, 4999]
    assert INSUFFICIENT_STATE.code >= 2500
