"""Subscriptions: who may, from where on, and when they end."""

from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support.centrifugo_client import CentrifugoClient, Refused, connected, dial, now, token_of
from support.hostile import Site, site
from support.memory import in_virtual_time
from support.rooms import ROOMS
from support.server_api import api_key

from relay.config import Limits
from relay.messages.centrifugo.codes import UNSUBSCRIBED_BY_SERVER
from relay.publication import Draft, Position
from relay.server.centrifugo.sessions import LiveSession
from relay.store.contract import Loaded, Store

UNKNOWN, DENIED, ALREADY, LIMIT, NOT_AVAILABLE = 102, 103, 105, 106, 108
EXPIRED_TOKEN, EXPIRED, UNRECOVERABLE = 109, 110, 112

WHO = ("nobody", "guest", "user", "operator")
ROWS = [
    ("room:a", WHO),
    ("guests:a", ("guest", "user", "operator")),
    ("users:a", ("user", "operator")),
    ("user:u", ("user", "operator")),
    ("user:other", ("operator",)),
    ("ours:a", ("operator",)),
    ("private:a", ()),
]


async def as_who(here: Site, who: str, key: str) -> CentrifugoClient:
    match who:
        case "nobody":
            return await connected(here)
        case "guest":
            return await connected(here, token_of(here, "g", role="guest"))
        case "user":
            return await connected(here, token_of(here, "u"))
    return await connected(here, key)


@pytest.mark.parametrize("who", WHO)
@in_virtual_time
async def test_each_may_follow_and_read_what_the_rules_say(who: str, tmp_path: Path) -> None:
    key = api_key(tmp_path)
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        client = await as_who(here, who, key)
        for command in ("history", "subscribe"):
            codes = {channel: await client.code(command, channel=channel) for channel, _ in ROWS}
            assert codes == {channel: 0 if who in allowed else DENIED for channel, allowed in ROWS}


@in_virtual_time
async def test_what_there_are_no_rules_for_is_unknown(tmp_path: Path) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client = await connected(here)
        for channel in ("other:a", "a b", "room:", "x" * 300, "room:a/../b"):
            assert await client.code("subscribe", channel=channel) == UNKNOWN, channel


@in_virtual_time
async def test_a_channel_is_followed_once_and_not_too_many(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(subscriptions=2), channels=ROOMS) as here:
        client = await connected(here)
        await client.ask("subscribe", channel="room:a")
        with pytest.raises(Refused) as refused:
            await client.ask("subscribe", channel="room:a")
        assert refused.value.code == ALREADY
        await client.ask("subscribe", channel="room:b")
        with pytest.raises(Refused) as refused:
            await client.ask("subscribe", channel="room:c")
        assert refused.value.code == LIMIT
        await client.ask("unsubscribe", channel="room:a")
        await client.ask("unsubscribe", channel="room:a")
        await client.ask("subscribe", channel="room:c")


@in_virtual_time
async def test_whoever_follows_gets_everything_from_its_position_on(tmp_path: Path) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client, other = await connected(here), await connected(here)
        await other.ask("publish", channel="room:a", data="before")
        result = await client.ask("subscribe", channel="room:a")
        assert result["offset"] == 1
        assert "publications" not in result
        for number in range(3):
            await other.ask("publish", channel="room:a", data=number)
        pubs = await client.publications(3)
        assert [(pub["offset"], pub["data"]) for pub in pubs] == [(2, 0), (3, 1), (4, 2)]
        await client.ask("unsubscribe", channel="room:a")
        await other.ask("publish", channel="room:a", data="after")
        await client.read_pings(1)
        assert client.pushes == []


@pytest.mark.parametrize("channel", ["room:a", "kept:a"])
@in_virtual_time
async def test_nothing_is_lost_or_doubled_where_reply_and_live_meet(
    channel: str, tmp_path: Path
) -> None:
    """Every client comes at another moment while somebody publishes without a pause."""
    async with site(tmp_path, channels=ROOMS) as here:
        publisher = await connected(here)
        epoch = (await publisher.ask("subscribe", channel=channel))["epoch"]
        clients = [await connected(here) for _ in range(25)]
        said = [publisher.command("publish", channel=channel, data=n) for n in range(1, 96)]

        async def publish() -> None:
            for command in said:
                await publisher.say(command)
                await trio.sleep(0.004)

        async def come(client: CentrifugoClient, index: int) -> None:
            await trio.sleep(index * 0.0153)
            result = await client.ask(
                "subscribe", channel=channel, recover=True, epoch=epoch, offset=0
            )
            assert result["recovered"]
            offsets = [pub["offset"] for pub in result.get("publications", [])]
            late.append(len(offsets))
            while len(offsets) < len(said):
                offsets.append((await client.push("pub"))["pub"]["offset"])
            assert offsets == list(range(1, len(said) + 1))

        late: list[int] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(publish)
            for index, client in enumerate(clients):
                nursery.start_soon(come, client, index)
        # Some came in the middle of it.
        assert len({n for n in late if 0 < n < len(said)}) > 15


RECOVERIES = [
    # channel, published, seen, epoch is the same, what is recovered
    ("room:a", 5, 2, True, [2, 3, 4]),
    ("room:a", 5, 5, True, []),
    ("room:a", 0, 0, True, []),
    ("room:a", 5, 6, True, None),
    ("room:a", 5, 2, False, None),
    ("short:a", 5, 2, True, [2, 3, 4]),
    ("short:a", 5, 1, True, None),
    ("kept:a", 5, 2, True, [2, 3, 4]),
    ("bare:a", 5, 2, True, None),
]


@pytest.mark.parametrize(("channel", "published", "seen", "same", "expected"), RECOVERIES)
@in_virtual_time
async def test_it_is_recovered_only_if_nothing_is_missing(
    channel: str, published: int, seen: int, same: bool, expected: list[int] | None, tmp_path: Path
) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client = await connected(here)
        epoch = (await client.ask("subscribe", channel=channel))["epoch"]
        await client.ask("unsubscribe", channel=channel)
        for number in range(published):
            await client.ask("publish", channel=channel, data=number)
        request = {
            "channel": channel,
            "recover": True,
            "offset": seen,
            "epoch": epoch if same else "other",
        }
        if expected is None:
            with pytest.raises(Refused) as refused:
                await client.ask("subscribe", **request, flag=2)
            assert refused.value.code == UNRECOVERABLE
        result = await client.ask("subscribe", **request, flag=0 if expected is None else 2)
        assert result["was_recovering"]
        assert result.get("recovered", False) is (expected is not None)
        assert [pub["data"] for pub in result.get("publications", [])] == (expected or [])
        assert (result["offset"], result["epoch"]) == (published, epoch)
        assert result.get("recoverable", False) is (channel != "bare:a")
        # And it goes on from there.
        await client.ask("publish", channel=channel, data="next")
        (pub,) = await client.publications(1)
        assert pub["offset"] == published + 1


@in_virtual_time
async def test_what_is_too_much_for_one_reply_is_not_recovered(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(reply_bytes=2000), channels=ROOMS) as here:
        client = await connected(here)
        epoch = (await client.ask("subscribe", channel="room:a"))["epoch"]
        await client.ask("unsubscribe", channel="room:a")
        for _ in range(10):
            await client.ask("publish", channel="room:a", data="x" * 300)
        request: dict[str, Any] = {"channel": "room:a", "recover": True, "epoch": epoch}
        result = await client.ask("subscribe", **request, offset=1)
        assert "recovered" not in result
        await client.ask("unsubscribe", channel="room:a")
        result = await client.ask("subscribe", **request, offset=8)
        assert result["recovered"]
        assert len(result["publications"]) == 2


@in_virtual_time
async def test_only_who_asks_is_told_who_comes_and_goes(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        told = await connected(here)
        await told.ask("subscribe", channel="room:a", join_leave=True)
        untold = await connected(here)
        await untold.ask("subscribe", channel="room:a")
        ann = await connected(here, token_of(here, "ann", info={"name": "Ann"}))
        await ann.ask("subscribe", channel="room:a")
        users = [(await told.push("join"))["join"]["info"]["user"] for _ in range(3)]
        assert users == ["", "", "ann"]
        await ann.ask("unsubscribe", channel="room:a")
        left = (await told.push("leave"))["leave"]["info"]
        assert (left["user"], left["conn_info"]) == ("ann", {"name": "Ann"})
        await untold.hang_up()
        assert (await told.push("leave"))["leave"]["info"]["user"] == ""
        assert untold.order == ["reply 1", "reply 2", "close"]


# Tokens for channels.


@in_virtual_time
async def test_a_token_lets_its_user_follow_what_the_rules_do_not(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        ann = await connected(here, token_of(here, "ann"))
        token = token_of(here, "ann", channel="private:a")
        result = await ann.ask("subscribe", channel="private:a", token=token)
        assert "expires" not in result
        # Who follows it may read it.
        await ann.ask("history", channel="private:a", limit=1)
        bob = await connected(here, token_of(here, "bob"))
        with pytest.raises(Refused) as refused:
            await bob.ask("subscribe", channel="private:a", token=token)
        assert refused.value.code == DENIED


@pytest.mark.parametrize(
    ("channel", "claims", "code"),
    [
        ("room:a", {"channel": "room:b"}, DENIED),
        ("room:a", {}, DENIED),
        ("room:a", {"channel": "room:a", "exp": 1}, EXPIRED_TOKEN),
        ("other:a", {"channel": "other:a"}, UNKNOWN),
    ],
)
@in_virtual_time
async def test_a_token_that_is_shown_must_be_good_even_where_none_is_needed(
    channel: str, claims: dict[str, Any], code: int, tmp_path: Path
) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        ann = await connected(here, token_of(here, "ann"))
        with pytest.raises(Refused) as refused:
            await ann.ask("subscribe", channel=channel, token=token_of(here, "ann", **claims))
        assert refused.value.code == code


@in_virtual_time
async def test_a_subscription_outlives_its_token_by_the_grace_and_then_asks_for_another(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, Limits(expired_grace_s=5.0), publish="key", channels=ROOMS) as here:
        ann = await connected(here, token_of(here, "ann"))
        began = now(here)
        token = token_of(here, "ann", channel="private:a", exp=began + 10.2)
        result = await ann.ask("subscribe", channel="private:a", token=token)
        assert (result["expires"], result["ttl"]) == (True, 10)
        push = await ann.push("unsubscribe")
        assert push["unsubscribe"] == {"code": 2501, "reason": "subscription expired"}
        assert now(here) - began == pytest.approx(15.2, abs=0.1)
        with pytest.raises(Refused) as refused:
            await ann.ask("subscribe", channel="private:a", token=token)
        assert refused.value.code == EXPIRED_TOKEN


@pytest.mark.parametrize("names_channel", [True, False])
@in_virtual_time
async def test_a_subscription_whose_token_is_renewed_goes_on(
    names_channel: bool, tmp_path: Path
) -> None:
    async with site(tmp_path, Limits(expired_grace_s=1.0), publish="key", channels=ROOMS) as here:
        ann = await connected(here, token_of(here, "ann"))

        def token(seconds: float) -> str:
            return token_of(here, "ann", channel="private:a", exp=now(here) + seconds)

        await ann.ask("subscribe", channel="private:a", token=token(5))
        await trio.sleep(4)
        named = {"channel": "private:a"} if names_channel else {}
        result = await ann.ask("sub_refresh", token=token(20), **named)
        assert (result["expires"], result["ttl"]) == (True, 20)
        await trio.sleep(15)
        assert (await ann.ask("unsubscribe", channel="private:a")) == {}
        assert ann.pushes == []


@pytest.mark.parametrize(
    ("request_channel", "claims", "code"),
    [
        ("private:a", {"sub": "ann", "channel": "private:b"}, DENIED),
        ("private:b", {"sub": "ann", "channel": "private:b"}, DENIED),
        ("private:a", {"sub": "ann", "channel": "private:c"}, DENIED),
        ("private:a", {"sub": "bob", "channel": "private:a"}, DENIED),
        ("private:a", {"sub": "ann"}, DENIED),
        ("private:a", {"sub": "ann", "channel": "private:a", "exp": 1}, EXPIRED),
    ],
)
@in_virtual_time
async def test_what_renews_a_subscription_is_a_good_token_for_it(
    request_channel: str, claims: dict[str, Any], code: int, tmp_path: Path
) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        ann = await connected(here, token_of(here, "ann"))
        for channel in ("private:a", "private:c"):
            token = token_of(here, "ann", channel=channel, exp=now(here) + 100)
            await ann.ask("subscribe", channel=channel, token=token)
        token = token_of(here, **claims)
        assert await ann.code("sub_refresh", channel=request_channel, token=token) == code


@in_virtual_time
async def test_a_subscription_that_has_ended_does_not_expire(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(expired_grace_s=1.0), publish="key", channels=ROOMS) as here:
        ann = await connected(here, token_of(here, "ann"))
        token = token_of(here, "ann", channel="private:a", exp=now(here) + 5)
        await ann.ask("subscribe", channel="private:a", token=token)
        await ann.ask("unsubscribe", channel="private:a")
        await trio.sleep(20)
        await ann.ask("ping")
        assert ann.pushes == []


# What others do with it.


@in_virtual_time
async def test_a_channel_that_is_closed_ends_its_subscriptions(tmp_path: Path) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client = await connected(here)
        await client.ask("subscribe", channel="room:a")
        channel = here.services.hub.find("room:a")
        assert channel is not None
        last = Draft(data=b'"last"')
        here.services.hub.publish_nowait(channel, (last,), lambda _: None, closes=True)
        push = await client.push("unsubscribe")
        assert push["unsubscribe"]["code"] == UNSUBSCRIBED_BY_SERVER.code
        assert client.order[-2:] == ["pub", "unsubscribe"]
        with pytest.raises(Refused) as refused:
            await client.ask("publish", channel="room:a", data=1)
        assert refused.value.code == NOT_AVAILABLE
        # One who comes later is told the same.
        assert (await client.ask("subscribe", channel="room:a"))["offset"] == 1
        await client.push("unsubscribe")
        await client.ask("ping")


@in_virtual_time
async def test_a_channel_that_is_deleted_is_to_be_followed_anew(tmp_path: Path) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client = await connected(here)
        before = await client.ask("subscribe", channel="room:a")
        channel = here.services.hub.find("room:a")
        assert channel is not None
        here.services.hub.changes.delete_nowait(channel, lambda _: None)
        assert (await client.push("unsubscribe"))["unsubscribe"]["code"] == 2500
        after = await client.ask(
            "subscribe", channel="room:a", recover=True, epoch=before["epoch"], offset=0
        )
        assert "recovered" not in after
        assert after["epoch"] != before["epoch"]


async def session_of(here: Site, user: str) -> tuple[CentrifugoClient, LiveSession]:
    client = await connected(here, token_of(here, user))
    (session,) = here.services.sessions.of(user).values()
    return client, session


@in_virtual_time
async def test_the_server_subscribes_and_unsubscribes(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        client, session = await session_of(here, "ann")
        await session.subscribe_to("private:a", data=b'{"x":1}', info=b'{"role":"host"}')
        await session.subscribe_to("private:a")
        push = await client.push("subscribe")
        assert push["channel"] == "private:a"
        assert push["subscribe"]["data"] == {"x": 1}
        assert session.channels == ("private:a",)
        channel = here.services.hub.find("private:a")
        assert channel is not None
        await here.services.hub.publish(channel, Draft(data=b"1"))
        await client.publications(1)
        assert session.unsubscribe_from("private:a", UNSUBSCRIBED_BY_SERVER)
        assert not session.unsubscribe_from("private:a", UNSUBSCRIBED_BY_SERVER)
        assert (await client.push("unsubscribe"))["unsubscribe"]["code"] == 2000
        assert client.pushes == []


@in_virtual_time
async def test_the_server_subscribes_from_a_position(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        client, session = await session_of(here, "ann")
        channel = await here.services.hub.open("room:a")
        await here.services.hub.publish(channel, Draft(data=b"1"))
        await session.subscribe_to("room:a", since=Position(channel.epoch, 0))
        push = await client.push("subscribe")
        assert [pub["data"] for pub in push["subscribe"]["publications"]] == [1]


@in_virtual_time
async def test_who_is_sent_away_is_told_not_to_come_back(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key") as here:
        client, session = await session_of(here, "ann")
        session.send_away()  # type: ignore[call-arg] # the session itself has a default
        assert await client.read_to_end() == (3503, "force disconnect")
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["sent_away"]


# While something else is waited for.


@attrs.define(eq=False)
class SlowToRead:
    """A store that takes a second to find a channel."""

    _store: Store

    async def load(self, channel: str, *, keys_since_ms: int, latest: int) -> Loaded | None:
        await trio.sleep(1)
        return await self._store.load(channel, keys_since_ms=keys_since_ms, latest=latest)


def slow_to_read(here: Site) -> None:
    hub = here.services.hub
    hub._store = SlowToRead(hub._store)  # type: ignore[assignment] # as far as is used


@in_virtual_time
async def test_nothing_of_a_channel_comes_before_the_reply_that_it_is_followed(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client, other = await connected(here), await connected(here)
        slow_to_read(here)
        quick = client.command("subscribe", channel="room:a")
        await client.say(quick, client.command("subscribe", channel="kept:a"))
        await trio.sleep(0.5)
        await other.ask("publish", channel="room:a", data=1)
        await client.publications(1)
        assert client.order == ["reply 1", "reply 2", "pub"]
        await trio.sleep(1)
        await client.ask("ping")
        assert client.order.index("reply 3") > client.order.index("pub")


@in_virtual_time
async def test_what_comes_while_a_token_s_other_channels_are_opened_is_in_the_reply(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        other = await connected(here)
        epoch = (await other.ask("subscribe", channel="room:a"))["epoch"]
        await other.ask("publish", channel="room:a", data=1)
        slow_to_read(here)
        client = await dial(here)
        token = token_of(here, "ann", channels=["room:a", "kept:a"])
        subs = {"room:a": {"recover": True, "epoch": epoch, "offset": 0}}
        command = client.command("connect", token=token, subs=subs)
        await client.say(command)
        await trio.sleep(0.5)
        await other.ask("publish", channel="room:a", data=2)
        sub = (await client.result(command))["subs"]["room:a"]
        assert [pub["data"] for pub in sub["publications"]] == [1, 2]
        assert (sub["offset"], sub["recovered"]) == (2, True)
        await other.ask("publish", channel="room:a", data=3)
        (pub,) = await client.publications(1)
        assert pub["offset"] == 3


@in_virtual_time
async def test_what_was_missed_and_is_gone_by_the_time_of_joining_is_not_recovered(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        other = await connected(here)
        epoch = (await other.ask("subscribe", channel="short:a"))["epoch"]
        slow_to_read(here)
        client = await dial(here)
        token = token_of(here, "ann", channels=["short:a", "kept:a"])
        subs = {"short:a": {"recover": True, "epoch": epoch, "offset": 0}}
        command = client.command("connect", token=token, subs=subs)
        await client.say(command)
        await trio.sleep(0.5)
        for number in range(5):
            await other.ask("publish", channel="short:a", data=number)
        sub = (await client.result(command))["subs"]["short:a"]
        assert "recovered" not in sub
        assert (sub["offset"], sub["was_recovering"]) == (5, True)


@in_virtual_time
async def test_a_channel_that_two_subscribe_a_client_to_is_followed_once(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        client, session = await session_of(here, "ann")
        slow_to_read(here)
        command = client.command("subscribe", channel="kept:a")
        async with trio.open_nursery() as nursery:
            # The server is first to ask for the channel, and so first to have it.
            nursery.start_soon(session.subscribe_to, "kept:a")
            await trio.sleep(0.1)
            await client.say(command)
        assert (await client.push("subscribe"))["channel"] == "kept:a"
        with pytest.raises(Refused) as refused:
            await client.result(command)
        assert refused.value.code == ALREADY
        channel = here.services.hub.find("kept:a")
        assert channel is not None
        assert channel.follower_count == 1
