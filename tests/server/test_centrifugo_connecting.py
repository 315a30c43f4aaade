"""Who connects by the Centrifugo protocol, for how long, and what the first command must be."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from support.centrifugo_client import (
    BINARY,
    TARGET,
    Refused,
    connected,
    dial,
    foreign_token,
    now,
    token_of,
)
from support.hostile import Site, site
from support.http_client import UPGRADE, masked_frame, request_bytes
from support.memory import in_virtual_time
from support.rooms import ROOMS
from support.server_api import api_key

from relay.config import Limits
from relay.identity.caller import Kind

EXPIRED, LIMIT = 109, 106


@in_virtual_time
async def test_nobody_in_particular_may_connect(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key") as here:
        client = await dial(here)
        result = await client.ask("connect", name="js")
        assert (result["ping"], result["pong"]) == (25, True)
        assert result["version"].startswith("relay ")
        assert result["client"] == result["session"]
        assert result["node"]
        assert "expires" not in result
        assert "subs" not in result
        (session,) = here.services.sessions
        assert (session.client, session.caller.kind) == (result["client"], Kind.NOBODY)


@pytest.mark.parametrize(
    ("claims", "kind"),
    [
        ({"sub": ""}, Kind.NOBODY),
        ({"sub": "g", "role": "guest"}, Kind.GUEST),
        ({"sub": "ann"}, Kind.USER),
    ],
)
@in_virtual_time
async def test_a_token_says_who_it_is(claims: dict[str, Any], kind: Kind, tmp_path: Path) -> None:
    async with site(tmp_path, publish="key") as here:
        await connected(here, token_of(here, **claims))
        (session,) = here.services.sessions
        assert session.caller.kind is kind
        assert here.services.sessions.of(claims["sub"]) == {session.client: session}


@in_virtual_time
async def test_the_operator_comes_with_a_key_in_the_command_or_in_the_request(
    tmp_path: Path,
) -> None:
    key = api_key(tmp_path)
    async with site(tmp_path, publish="key") as here:
        await connected(here, key)
        client = await dial(here, ("Authorization", f"Bearer {key}"))
        await client.ask("connect")
        assert [one.caller.kind for one in here.services.sessions] == [Kind.OPERATOR] * 2


@in_virtual_time
async def test_the_token_of_the_command_says_more_than_that_of_the_request(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key") as here:
        client = await dial(here, ("Authorization", f"Bearer {token_of(here, 'ann')}"))
        await client.ask("connect", token=token_of(here, "bob"))
        (session,) = here.services.sessions
        assert session.caller.sub == "bob"


@pytest.mark.parametrize("token", ["nonsense", "rk_" + "A" * 43, foreign_token("ann"), "ey.ey.ey"])
@in_virtual_time
async def test_a_wrong_token_ends_it_for_good(token: str, tmp_path: Path) -> None:
    async with site(tmp_path, publish="key") as here:
        client = await dial(here)
        await client.say(client.command("connect", token=token))
        assert await client.read_to_end() == (3500, "invalid token")
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["wrong_token"]
        assert token not in json.dumps(here.logged)


@in_virtual_time
async def test_an_old_token_is_an_error_upon_which_an_sdk_fetches_another(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key") as here:
        client = await dial(here)
        with pytest.raises(Refused) as refused:
            await client.ask("connect", token=token_of(here, "ann", exp=now(here) - 1))
        assert refused.value.code == EXPIRED
        # The same connection may try again; an SDK opens another.
        await client.ask("connect", token=token_of(here, "ann"))


@in_virtual_time
async def test_a_connection_outlives_its_token_by_the_grace_and_no_longer(tmp_path: Path) -> None:
    limits = Limits(expired_grace_s=5.0)
    async with site(tmp_path, limits, publish="key") as here:
        client = await dial(here)
        began = now(here)
        result = await client.ask("connect", token=token_of(here, "ann", exp=began + 10.5))
        assert (result["expires"], result["ttl"]) == (True, 10)
        assert await client.read_to_end() == (3005, "connection expired")
        assert now(here) - began == pytest.approx(15.5, abs=0.1)
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["token_expired"]


@in_virtual_time
async def test_a_token_that_is_renewed_moves_the_end(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(expired_grace_s=1.0), publish="key") as here:
        client = await connected(here, token_of(here, "ann", exp=now(here) + 10))
        await trio.sleep(8)
        renewed = token_of(here, "ann", exp=now(here) + 30)
        result = await client.ask("refresh", token=renewed)
        assert (result["expires"], result["ttl"], bool(result["client"])) == (True, 30, True)
        await trio.sleep(20)
        forever = token_of(here, "ann")
        assert "expires" not in await client.ask("refresh", token=forever)
        await client.read_pings(5)
        assert here.ended() == []


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"sub": "bob"}, 3500),
        ({"sub": "ann", "role": "guest"}, 3500),
        ({"sub": "ann", "channel": "a"}, 3500),
        ({"sub": "ann", "exp": 1}, 3005),
    ],
)
@in_virtual_time
async def test_only_a_good_token_of_the_same_user_renews(
    claims: dict[str, Any], code: int, tmp_path: Path
) -> None:
    async with site(tmp_path, publish="key") as here:
        client = await connected(here, token_of(here, "ann", exp=now(here) + 100))
        await client.say(client.command("refresh", token=token_of(here, **claims)))
        closed = await client.read_to_end()
        assert closed is not None
        assert closed[0] == code


@in_virtual_time
async def test_who_does_not_connect_in_time_is_stale(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(handshake_s=3.0)) as here:
        client = await dial(here)
        began = now(here)
        assert await client.read_to_end() == (3502, "stale")
        assert now(here) - began == pytest.approx(3.0, abs=0.1)
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["handshake_timeout"]


BROKEN: list[str] = [
    "hello",
    "{}",
    '{"id":1}',
    '{"connect":{}}',
    '{"id":1,"subscribe":{"channel":"a"}}',
    '{"id":1,"publish":{"channel":"a","data":1}}',
    '{"id":1,"ping":{}}',
    '{"send":{}}',
    '{"id":1,"connect":{}}\n{"id":2,"connect":{}}',
    '{"id":1,"connect":{}}\n{"id":2}',
    '{"id":1,"connect":{}}\n{"subscribe":{"channel":"a"}}',
    '{"id":1,"connect":{}}\n{"id":2,"subscribe":{}}',
    '{"id":1,"connect":{}}\n{"id":2,"unsubscribe":{}}',
    '{"id":1,"connect":{}}\n{"id":2,"publish":{"data":1}}',
    '{"id":1,"connect":{}}\n{"id":2,"history":{}}',
    '{"id":1,"connect":{}}\n{"id":2,"presence":{}}',
]


@pytest.mark.parametrize("message", BROKEN)
@in_virtual_time
async def test_what_breaks_the_protocol_ends_it_for_good(message: str, tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await dial(here)
        await client.say(message)
        assert await client.read_to_end() == (3501, "bad request")
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["protocol_error"]


@in_virtual_time
async def test_replies_of_before_go_out_before_the_end(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await dial(here)
        await client.say(client.command("connect"), client.command("ping"), "nonsense")
        # The whole message is read first: nothing of it was carried out.
        assert await client.read_to_end() == (3501, "bad request")
        assert client.order == ["close"]
        client = await dial(here)
        await client.say(client.command("connect"), client.command("ping"), {"id": 3})
        await client.read_to_end()
        assert client.order == ["reply 1", "reply 2", "close"]


@in_virtual_time
async def test_a_message_above_the_limit_is_refused_as_websocket_has_it(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(command_bytes=1000)) as here:
        client = await dial(here)
        await client.say('{"id":1,"connect":{"name":"' + "x" * 1000 + '"}}')
        closed = await client.read_to_end()
        assert closed is not None
        assert closed[0] == 1009


@in_virtual_time
async def test_a_message_may_come_in_pieces_and_as_binary(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await dial(here)
        frame = masked_frame(BINARY, b'{"id":1,"connect":{}}')
        for byte in frame:
            await client.peer.say(bytes([byte]))
            await trio.testing.wait_all_tasks_blocked()
        await client.result({"id": 1, "connect": {}})
        await client.peer.say(masked_frame(BINARY, b'{"id":2,"ping":\xff}'))
        closed = await client.read_to_end()
        assert closed == (3501, "bad request")


@in_virtual_time
async def test_commands_may_come_with_the_request(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        hello = masked_frame(1, b'{"id":1,"connect":{}}')
        peer = await here.say("http", request_bytes("GET", TARGET, *UPGRADE) + hello)
        assert b'{"id":1,"connect":{"client":' in await peer.hear_until(b'"node"')


@in_virtual_time
async def test_the_name_of_the_protocol_is_offered_and_not_asked_for(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        for offered, chosen in ((b"centrifuge-json", True), (b"centrifuge-protobuf", False)):
            header = ("Sec-WebSocket-Protocol", offered.decode())
            peer = await here.say("http", request_bytes("GET", TARGET, *UPGRADE, header))
            head = await peer.hear_until(b"\r\n\r\n")
            assert (b"Sec-WebSocket-Protocol: centrifuge-json" in head) is chosen


@in_virtual_time
async def test_a_plain_request_is_told_to_upgrade(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.connect()
        answer = await peer.ask(request_bytes("GET", TARGET))
        assert answer.status == 426


@in_virtual_time
async def test_pings_of_the_websocket_are_answered_too(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await connected(here)
        await client.peer.say(masked_frame(9, b"there?") + masked_frame(10, b"yes"))
        while "pong" not in client.order:
            await client.read()
        await client.ask("ping")


@in_virtual_time
async def test_a_token_subscribes_to_its_channels_in_the_reply_to_connect(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        claims: dict[str, Any] = {
            "channels": ["private:a"],
            "subs": {"room:b": {"info": {"role": "host"}, "data": {"state": 7}}},
            "info": {"name": "Ann"},
        }
        client = await dial(here)
        result = await client.ask("connect", token=token_of(here, "ann", **claims))
        assert sorted(result["subs"]) == ["private:a", "room:b"]
        assert result["subs"]["private:a"]["positioned"]
        assert result["subs"]["room:b"]["data"] == {"state": 7}
        present = await client.ask("presence", channel="room:b")
        (who,) = present["presence"].values()
        assert (who["user"], who["conn_info"]) == ("ann", {"role": "host"})
        with pytest.raises(Refused) as refused:
            await client.ask("subscribe", channel="room:b")
        assert refused.value.code == 105


@in_virtual_time
async def test_what_a_token_subscribes_to_recovers(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        token = token_of(here, "ann", channels=["room:a", "room:b"])
        client = await dial(here)
        subs = (await client.ask("connect", token=token))["subs"]
        await client.hang_up()
        other = await connected(here)
        for number in range(3):
            await other.ask("publish", channel="room:a", data=number)
        positions = {
            name: {"recover": True, "offset": sub["offset"], "epoch": sub["epoch"]}
            for name, sub in subs.items()
        }
        positions["room:b"]["epoch"] = "other"
        again = await dial(here)
        subs = (await again.ask("connect", token=token, subs=positions))["subs"]
        assert [one["data"] for one in subs["room:a"]["publications"]] == [0, 1, 2]
        assert subs["room:a"]["recovered"]
        assert "recovered" not in subs["room:b"]
        assert subs["room:b"]["was_recovering"]


@in_virtual_time
async def test_a_token_with_too_many_channels_does_not_connect(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(subscriptions=2), publish="key", channels=ROOMS) as here:
        client = await dial(here)
        channels = ["room:a", "room:b", "room:c"]
        with pytest.raises(Refused) as refused:
            await client.ask("connect", token=token_of(here, "ann", channels=channels))
        assert refused.value.code == LIMIT
        assert list(here.services.sessions) == []


@in_virtual_time
async def test_a_session_is_gone_when_its_connection_is(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        client = await connected(here, token_of(here, "ann", exp=now(here) + 1000))
        await client.ask("subscribe", channel="room:a")
        assert here.services.sessions.statistics().clients == 1
        await client.hang_up()
        await trio.testing.wait_all_tasks_blocked()
        check_nothing_is_left(here)
        assert here.ended() == ["peer_closed"]
        (line,) = [line for line in here.logged if line["event"] == "connection ended"]
        assert (line["protocol"], line["user"]) == ("centrifugo", "ann")


def check_nothing_is_left(here: Site) -> None:
    assert here.services.sessions.statistics().clients == 0
    assert here.services.sessions.statistics().users == 0
    channel = here.services.hub.find("room:a")
    assert channel is not None
    assert (channel.follower_count, channel.presence.counts.clients) == (0, 0)
    assert all(not group.members for group in here.services.pings._groups)


@in_virtual_time
async def test_at_shutdown_everybody_is_told_to_come_back(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await connected(here)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(here.server.drain)
            assert await client.read_to_end() == (3001, "shutdown")
        assert here.ended() == ["server_stopping"]
