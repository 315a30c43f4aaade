"""Centrifugo's server API: what a site's back end says, asks, and does with its users' sessions."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from support.centrifugo_client import connected, now, token_of
from support.hostile import Site, site
from support.memory import in_virtual_time
from support.server_api import BackEnd, CallRefused, api_key
from support.tokens import tokens

from relay.server.routes import PUBLIC
from relay.server.server_api.methods import METHODS, ROUTES
from relay.views.query import Query

UNKNOWN_CHANNEL, DENIED, NO_METHOD, LIMIT, BAD_REQUEST, NOT_AVAILABLE = 102, 103, 104, 106, 107, 108
UNRECOVERABLE = 112


@asynccontextmanager
async def served(data: Path) -> AsyncIterator[tuple[Site, BackEnd]]:
    key = api_key(data)
    async with site(data, publish="key") as here:
        yield here, BackEnd(here, key)


@in_virtual_time
async def test_what_is_published_is_heard_and_kept(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, back_end):
        client = await connected(here)
        await client.ask("subscribe", channel="stream:live/cat")
        said = {"text": "é", "n": [1, 2.50, None]}
        done = await back_end.call(
            "publish", channel="stream:live/cat", data=said, tags={"lang": "de"}
        )
        (heard,) = await client.publications(1)
        assert (heard["data"], heard["offset"], heard["tags"]) == (said, 1, {"lang": "de"})
        assert "info" not in heard
        kept = await back_end.call("history", channel="stream:live/cat", limit=10)
        assert [one["data"] for one in kept["publications"]] == [said]
        assert (kept["offset"], kept["epoch"]) == (done["offset"], done["epoch"])


@in_virtual_time
async def test_a_publication_that_is_repeated_with_its_key_is_one(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, back_end):
        for channel in ("streams", "chat:live/cat"):
            once = [
                await back_end.call("publish", channel=channel, data=n, idempotency_key="k")
                for n in (1, 2)
            ]
            assert once[0] == once[1]
            kept = await back_end.call("history", channel=channel, limit=-1)
            assert [one["data"] for one in kept["publications"]] == [1]


@in_virtual_time
async def test_a_broadcast_goes_to_each_channel_and_one_fault_is_only_its_own(
    tmp_path: Path,
) -> None:
    async with served(tmp_path) as (_, back_end):
        channels = ["stream:a/b", "none:x", "chat:live/cat", "view:live", "user:ann"]
        result = await back_end.call("broadcast", channels=channels, data=7)
        codes = [one.get("error", {}).get("code") for one in result["responses"]]
        assert codes == [None, UNKNOWN_CHANNEL, None, DENIED, None]
        for number in (0, 2, 4):
            assert result["responses"][number]["result"]["offset"] == 1
            kept = await back_end.call("history", channel=channels[number], limit=1)
            assert kept["publications"][0]["data"] == 7


@in_virtual_time
async def test_a_broadcast_to_very_many_lets_others_have_their_turn(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, back_end):
        channels = [f"stream:a/{n}" for n in range(500)]
        result = await back_end.call("broadcast", channels=channels, data=7)
        assert [one["result"]["offset"] for one in result["responses"]] == [1] * 500


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("publish", {"data": 1}, BAD_REQUEST),
    ("publish", {"channel": "streams"}, BAD_REQUEST),
    ("publish", {"channel": "none:x", "data": 1}, UNKNOWN_CHANNEL),
    ("publish", {"channel": "a b", "data": 1}, UNKNOWN_CHANNEL),
    ("publish", {"channel": "view:live", "data": 1}, DENIED),
    ("publish", {"channel": "chat:a/x", "data": "a" * 9000}, LIMIT),
    ("publish", {"channel": "streams", "data": 1, "skip_history": True}, NOT_AVAILABLE),
    ("publish", {"channel": "streams", "data": 1, "b64data": "MQ=="}, NOT_AVAILABLE),
    ("publish", {"channel": "streams", "data": 1, "version": 3}, NOT_AVAILABLE),
    ("broadcast", {"channels": ["streams"]}, BAD_REQUEST),
    ("history", {}, BAD_REQUEST),
    ("history", {"channel": "none:x"}, UNKNOWN_CHANNEL),
    ("history", {"channel": "streams", "limit": 1, "since": {"offset": 9}}, UNRECOVERABLE),
    (
        "history",
        {"channel": "streams", "limit": 1, "since": {"offset": 0, "epoch": "other"}},
        UNRECOVERABLE,
    ),
    ("history_remove", {"channel": "view:live"}, UNKNOWN_CHANNEL),
    ("history_remove", {"channel": Query().channel}, DENIED),
    ("presence", {}, BAD_REQUEST),
    ("presence", {"channel": "streams"}, NOT_AVAILABLE),
    ("presence_stats", {"channel": "none:x"}, UNKNOWN_CHANNEL),
    ("subscribe", {"channel": "streams"}, BAD_REQUEST),
    ("subscribe", {"user": "ann"}, BAD_REQUEST),
    ("subscribe", {"user": "ann", "channel": "none:x"}, UNKNOWN_CHANNEL),
    ("subscribe", {"user": "ann", "channel": "streams", "override": {}}, NOT_AVAILABLE),
    ("unsubscribe", {"user": "ann"}, BAD_REQUEST),
    ("disconnect", {}, BAD_REQUEST),
    ("refresh", {"user": "ann", "info": {}}, NOT_AVAILABLE),
]


@in_virtual_time
async def test_what_cannot_be_done_is_an_error_with_centrifugos_code(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, back_end):
        for method, parameters, code in REFUSED:
            with pytest.raises(CallRefused) as caught:
                await back_end.call(method, **parameters)
            assert (method, parameters, caught.value.code) == (method, parameters, code)


BROKEN = [
    b"{",
    b"[]",
    b"7",
    b'{"channel":7}',
    b'{"channel":"a","data":NaN}',
    b'{"channel":"\xff"}',
    b'{"channel":"a","tags":{"a":1}}',
    b'{"channel":"a","data":' + b"[" * 100_000,
]


@pytest.mark.parametrize("body", BROKEN)
@in_virtual_time
async def test_what_is_no_call_is_a_bad_request(body: bytes, tmp_path: Path) -> None:
    async with served(tmp_path) as (_, back_end):
        answer = await back_end.post("publish", body)
        assert (answer.status, json.loads(answer.body)["type"]) == (400, "/problems/not-json")


@in_virtual_time
async def test_data_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, back_end):
        body = b'{"channel":"streams","data":' + b"[" * 200 + b"]" * 200 + b"}"
        answer = await back_end.post("publish", body)
        assert json.loads(answer.body)["error"]["code"] == BAD_REQUEST


@in_virtual_time
async def test_history_is_read_in_both_directions(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, back_end):
        for n in range(1, 6):
            await back_end.call("publish", channel="chat:live/cat", data=n)

        async def read(**parameters: Any) -> list[int]:
            kept = await back_end.call("history", channel="chat:live/cat", **parameters)
            return [one["data"] for one in kept["publications"]]

        assert await read() == []
        assert await read(limit=2) == [1, 2]
        assert await read(limit=-1) == [1, 2, 3, 4, 5]
        assert await read(limit=2, reverse=True) == [5, 4]
        assert await read(limit=2, since={"offset": 2}) == [3, 4]
        assert await read(limit=9, since={"offset": 3}, reverse=True) == [2, 1]
        assert await read(limit=9, since={"offset": 1}, reverse=True) == []
        assert await read(limit=9, since={"offset": 0}, reverse=True) == []
        await back_end.call("history_remove", channel="chat:live/cat")
        assert await read(limit=-1) == []
        after = await back_end.call("publish", channel="chat:live/cat", data=6)
        assert after["offset"] == 6


@in_virtual_time
async def test_who_is_there_is_told_by_client_and_counted_by_user(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, back_end):
        ann = token_of(here, "ann", info={"name": "Ann"})
        clients = [await connected(here, token) for token in (ann, ann, token_of(here, "bob"))]
        for client in clients:
            await client.ask("subscribe", channel="chat:live/cat")
        presence = (await back_end.call("presence", channel="chat:live/cat"))["presence"]
        users = sorted((one["user"], one.get("conn_info")) for one in presence.values())
        assert users == [("ann", {"name": "Ann"}), ("ann", {"name": "Ann"}), ("bob", None)]
        assert all(client == one["client"] for client, one in presence.items())
        stats = await back_end.call("presence_stats", channel="chat:live/cat")
        assert stats == {"num_clients": 3, "num_users": 2}
        nobody = await back_end.call("presence_stats", channel="chat:live/dog")
        assert nobody == {"num_clients": 0, "num_users": 0}


@in_virtual_time
async def test_channels_with_followers_are_listed_and_filtered(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, back_end):
        client = await connected(here)
        for channel in ("stream:live/cat", "stream:live/dog", "chat:live/cat"):
            await client.ask("subscribe", channel=channel)
        await back_end.call("publish", channel="streams", data=1)
        for pattern, expected in (
            ("", {"stream:live/cat", "stream:live/dog", "chat:live/cat"}),
            ("stream:*", {"stream:live/cat", "stream:live/dog"}),
            ("*:live/[!d]*", {"stream:live/cat", "chat:live/cat"}),
            ("chat:live/ca?", {"chat:live/cat"}),
            ("streams", set()),
            ("[z-a]", set()),
        ):
            found = (await back_end.call("channels", pattern=pattern))["channels"]
            assert found == {channel: {"num_clients": 1} for channel in expected}


@in_virtual_time
async def test_a_pattern_of_many_stars_costs_little(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, back_end):
        client = await connected(here)
        await client.ask("subscribe", channel="stream:" + "a" * 240)
        assert (await back_end.call("channels", pattern="*a" * 120 + "b"))["channels"] == {}


@in_virtual_time
async def test_the_node_is_described(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, back_end):
        client = await connected(here, token_of(here, "ann"))
        await client.ask("subscribe", channel="streams")
        await client.read_pings(3)
        (node,) = (await back_end.call("info"))["nodes"]
        assert (node["num_clients"], node["num_users"], node["num_channels"]) == (1, 1, 1)
        assert node["uptime"] == int(trio.current_time())
        assert node["uptime"] >= 50
        assert node["uid"]


@in_virtual_time
async def test_a_users_sessions_are_subscribed_and_unsubscribed(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, back_end):
        ann, other, bob = [
            await connected(here, token_of(here, sub)) for sub in ("ann", "ann", "bob")
        ]
        # A channel that the user could not follow by itself.
        await back_end.call("subscribe", user="ann", channel="user:bob", data={"hello": 1})
        for client in (ann, other):
            push = await client.push("subscribe")
            assert (push["channel"], push["subscribe"]["data"]) == ("user:bob", {"hello": 1})
        await back_end.call("publish", channel="user:bob", data="x")
        assert [one["data"] for one in await ann.publications(1)] == ["x"]
        await back_end.call("unsubscribe", user="ann", channel="user:bob")
        assert (await ann.push("unsubscribe"))["unsubscribe"]["code"] == 2000
        assert (await back_end.call("channels"))["channels"] == {}
        assert bob.order == ["reply 1"]


@in_virtual_time
async def test_a_subscription_by_the_site_ends_when_it_says(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, back_end):
        client = await connected(here, token_of(here, "ann"))
        await back_end.call("subscribe", user="ann", channel="user:bob", expire_at=now(here) + 50)
        await client.push("subscribe")
        begun = trio.current_time()
        assert (await client.push("unsubscribe"))["unsubscribe"]["code"] == 2501
        assert 50 <= trio.current_time() - begun < 80


@in_virtual_time
async def test_one_client_of_a_user_can_be_meant(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, back_end):
        token = token_of(here, "ann")
        one, other = await connected(here, token), await connected(here, token)
        keep = next(iter(here.services.sessions.of("ann")))
        await back_end.call("subscribe", user="ann", client=keep, channel="streams")
        assert (await one.push("subscribe"))["channel"] == "streams"
        await back_end.call("subscribe", user="bob", client=keep, channel="user:bob")
        await back_end.call("disconnect", user="ann", whitelist=[keep])
        assert await other.read_to_end() == (3503, "force disconnect")
        assert other.order == ["reply 1", "close"]
        await one.ask("history", channel="streams")
        assert one.order == ["reply 1", "subscribe", "reply 2"]


@in_virtual_time
async def test_a_user_is_sent_away_with_the_sites_own_words(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, back_end):
        client = await connected(here, token_of(here, "ann"))
        why = {"code": 4501, "reason": "banned"}
        await back_end.call("disconnect", user="ann", disconnect=why)
        assert await client.read_to_end() == (4501, "banned")
        await back_end.call("disconnect", user="nobody there")


@pytest.mark.parametrize("code", [0, 1000, 2999, 5000, "x"])
@in_virtual_time
async def test_a_close_code_is_one_that_applications_may_use(code: Any, tmp_path: Path) -> None:
    async with served(tmp_path) as (_, back_end):
        body = json.dumps({"user": "ann", "disconnect": {"code": code}}).encode()
        assert (await back_end.post("disconnect", body)).status == 400


@in_virtual_time
async def test_a_connection_is_refreshed_or_expires_at_once(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, back_end):
        token = token_of(here, "ann", exp=now(here) + 50)
        client = await connected(here, token)
        await back_end.call("refresh", user="ann", expire_at=now(here) + 500)
        for pings in (4, 8):
            await client.read_pings(pings)
        # Long after it would have expired.
        assert trio.current_time() > 150
        await client.ask("subscribe", channel="streams")
        await back_end.call("refresh", user="ann", expired=True)
        assert await client.read_to_end() == (3005, "connection expired")


@in_virtual_time
async def test_a_batch_answers_each_call_in_order(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, back_end):
        commands = [
            {"publish": {"channel": "streams", "data": 1}},
            {"publish": {"channel": "none:x", "data": 1}},
            {"history": {"channel": "streams", "limit": 1}},
            {"nothing": {}},
            {"batch": {"commands": []}},
            {},
            {"info": {}, "channels": {}},
            {"publish": 7},
            {"channels": {}},
        ]
        replies = (await back_end.call("batch", commands=commands, parallel=True))["replies"]
        assert replies[0]["publish"]["offset"] == 1
        assert replies[2]["history"]["publications"][0]["data"] == 1
        assert replies[8] == {"channels": {"channels": {}}}
        codes = [reply.get("error", {}).get("code") for reply in replies]
        wrong = [NO_METHOD] * 4
        assert codes == [None, UNKNOWN_CHANNEL, None, *wrong, BAD_REQUEST, None]


@in_virtual_time
async def test_an_empty_body_is_a_call_without_parameters(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, back_end):
        assert json.loads((await back_end.post("channels", b"")).body) == {
            "result": {"channels": {}}
        }


@in_virtual_time
async def test_a_key_is_taken_from_every_header_that_sdks_use(tmp_path: Path) -> None:
    key = api_key(tmp_path)
    async with site(tmp_path, publish="key") as here:
        back_end = BackEnd(here, key)
        for header in (
            ("X-API-Key", key),
            ("Authorization", f"apikey {key}"),
            ("Authorization", f"Bearer {key}"),
        ):
            assert (await back_end.post("info", b"{}", header)).status == 200


@in_virtual_time
async def test_every_method_is_the_operators_alone_and_on_its_listener_alone(
    tmp_path: Path,
) -> None:
    key = api_key(tmp_path)
    shown = {"nobody": "", **tokens(tmp_path), "wrong": f"rk_{'x' * 43}"}
    expected = {"nobody": 401, "guest": 403, "user": 403, "wrong": 401}
    async with site(tmp_path, publish="key") as here:
        back_end = BackEnd(here, key)
        for name in (*METHODS, "batch"):
            for who, token in shown.items():
                header = ("Authorization", f"Bearer {token}") if token else ("Accept", "*/*")
                answer = await back_end.post(name, b"{}", header)
                assert (name, who, answer.status) == (name, who, expected[who])
    public = {route.pattern for route in PUBLIC.routes}
    assert not public & {route.pattern for route in ROUTES}
