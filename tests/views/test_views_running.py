"""Live views in a running server: when followers are told, and what they hold afterwards."""

import json
import random
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import trio
import trio.testing
from support.centrifugo_client import CentrifugoClient, Refused, connected, token_of
from support.hostile import HELLO, MP4_WS, TAGS, Peer, Site, publish_bytes, site
from support.http_client import request_bytes
from support.items import item
from support.memory import in_virtual_time
from support.rpc_client import CallFailed, RpcClient

from relay.channels.names import parse_name
from relay.config import ChannelsConfig, Limits
from relay.identity.caller import NOBODY
from relay.messages.centrifugo.codes import ErrorCode
from relay.server.rpc import methods
from relay.views.details import Details
from relay.views.item import Item
from relay.views.query import Filter, Query, Sort, canonical
from relay.views.views import (
    DELIVERIES_PER_S,
    GATHER_S,
    IDLE_S,
    LONGEST_GATHER_S,
    TIDY_EVERY_S,
    gather_after,
    may_see,
)

EVERYTHING = "view:sort=viewers&limit=20"
AT_ONCE_S = 0.001
"""The pass of what was said just before may have to end first."""


class Offstage:
    """Broadcasts that nobody sends: what `item_of` says of them is what a test wants."""

    def __init__(self, here: Site) -> None:
        self.items: dict[str, Item] = {}
        self._views = here.services.views
        self._views._item_of = lambda stream, _: self.items.get(stream)

    def put(self, new: Item) -> None:
        self.items[new.key] = new
        self._views.changed(new.key)

    def remove(self, name: str) -> None:
        self.items.pop(f"live/{name}", None)
        self._views.changed(f"live/{name}")


class Follower:
    """Follows a view as an SDK does, and applies what comes."""

    def __init__(self, here: Site, channel: str = EVERYTHING) -> None:
        self.channel = channel
        self.items: list[Any] = []
        self.epoch = ""
        self.offset = 0
        self.sizes: list[int] = []
        self._site = here
        self._client: CentrifugoClient | None = None

    async def follow(self) -> bool | None:
        """Connect, from where it stands if it stood somewhere; whether it has recovered."""
        client = self._client = await connected(self._site)
        since: dict[str, Any] = {"recover": True, "epoch": self.epoch, "offset": self.offset}
        reply = await client.ask("subscribe", channel=self.channel, **(since if self.epoch else {}))
        recovered = reply.get("recovered", False)
        if recovered:
            assert "data" not in reply
            for publication in reply.get("publications", []):
                self._apply(publication["data"])
        else:
            self._apply(reply["data"])
        self.epoch, self.offset = reply["epoch"], reply.get("offset", 0)
        return bool(recovered) if reply.get("was_recovering") else None

    async def read(self) -> None:
        """One publication."""
        assert self._client is not None
        (publication,) = await self._client.publications(1)
        assert publication["offset"] == self.offset + 1
        self.offset += 1
        self._apply(publication["data"])

    async def last_offset(self) -> int:
        """Where the view stands."""
        channel = await self._site.services.views.open_channel(parse_name(self.channel), NOBODY)
        return channel.last_offset

    async def read_up_to(self, offset: int) -> None:
        while self.offset < offset:
            await self.read()

    def vanish(self) -> None:
        assert self._client is not None
        assert isinstance(self._client.peer, Peer)
        self._client.peer.wire.abort()

    def _apply(self, data: Any) -> None:
        self.sizes.append(len(json.dumps(data)))
        if "value" in data:
            self.items = data["value"]
        else:
            self.items = jsonpatch.apply_patch(self.items, data["patch"])


def shown(here: Site, query: Query | None = None) -> list[Any]:
    view = here.services.views._views[query or Query()]
    return json.loads(view.snapshot())["value"]  # type: ignore[no-any-return]


@in_virtual_time
async def test_the_first_change_is_told_at_once_and_the_next_are_gathered(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        stage, follower = Offstage(here), Follower(here)
        await follower.follow()
        await trio.sleep(1)
        began = trio.current_time()
        stage.put(item("a"))
        await follower.read()
        assert trio.current_time() == pytest.approx(began, abs=AT_ONCE_S)
        for viewers in range(1, 100):
            stage.put(item("a", viewers=viewers))
            stage.put(item(f"b{viewers}"))
        await follower.read()
        assert trio.current_time() - began == pytest.approx(GATHER_S, abs=AT_ONCE_S)
        assert [each["viewers"] for each in follower.items] == [99] + [0] * 19
        assert follower.items == shown(here)


@pytest.mark.parametrize(
    ("deliveries", "seconds"),
    [
        (0, GATHER_S),
        (DELIVERIES_PER_S * GATHER_S, GATHER_S),
        (DELIVERIES_PER_S / 5, 0.2),
        (DELIVERIES_PER_S * 100, LONGEST_GATHER_S),
    ],
)
def test_the_more_are_told_the_more_is_gathered_before_the_next_time(
    deliveries: float, seconds: float
) -> None:
    assert gather_after(round(deliveries)) == pytest.approx(seconds)


@in_virtual_time
async def test_a_large_audience_is_told_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten followers, of whom this server tells twenty a second."""
    monkeypatch.setattr("relay.views.views.DELIVERIES_PER_S", 20)
    async with site(tmp_path) as here:
        stage, followers = Offstage(here), [Follower(here) for _ in range(10)]
        for follower in followers:
            await follower.follow()
        await trio.sleep(1)
        began = trio.current_time()
        stage.put(item("a"))
        for follower in followers:
            await follower.read()
        assert trio.current_time() == pytest.approx(began, abs=AT_ONCE_S)
        stage.put(item("b"))
        for follower in followers:
            await follower.read()
            assert trio.current_time() - began == pytest.approx(0.5, abs=AT_ONCE_S)


@in_virtual_time
async def test_followers_who_come_and_go_hold_what_is_true(tmp_path: Path) -> None:
    """Random edits; connections cut at random, and taken up where they were."""
    chance = random.Random(4)
    limits = Limits(connections_per_address=10_000)
    async with site(tmp_path, limits) as here:
        stage = Offstage(here)
        for number in range(30):
            stage.put(item(f"s{number}", viewers=chance.randrange(50)))
        await trio.sleep(1)
        followers = [
            Follower(here, f"view:sort=viewers&limit={limit}") for limit in (1, 5, 20, 100)
        ]
        for follower in followers:
            await follower.follow()
        recoveries = 0
        for _ in range(200):
            for _ in range(chance.randrange(1, 6)):
                name = f"s{chance.randrange(40)}"
                if chance.random() < 0.2:
                    stage.remove(name)
                else:
                    stage.put(item(name, viewers=chance.randrange(50), title=chance.choice("xyz")))
            await trio.sleep(chance.choice((0.01, 0.06, 0.2)))
            if chance.random() < 0.1:
                follower = chance.choice(followers)
                # What is on its way when the connection is cut, and not read, is lost.
                last = await follower.last_offset()
                await follower.read_up_to(chance.randint(max(follower.offset, last - 50), last))
                follower.vanish()
                await trio.sleep(chance.choice((0, 0.3)))
                assert await follower.follow() is True
                recoveries += 1
        await trio.sleep(1)
        for follower in followers:
            await follower.read_up_to(await follower.last_offset())
            assert follower.items == shown(here, canonical(follower.channel.removeprefix("view:")))
        assert recoveries > 10


@in_virtual_time
async def test_who_has_missed_more_than_is_kept_gets_the_view_anew(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        stage, follower = Offstage(here), Follower(here)
        stage.put(item("a"))
        await trio.sleep(1)
        await follower.follow()
        follower.vanish()
        for viewers in range(1, 150):
            stage.put(item("a", viewers=viewers))
            await trio.sleep(0.1)
        assert await follower.follow() is False
        assert follower.items == shown(here)
        # Another server, another epoch: offsets prove nothing.
        follower.vanish()
        follower.epoch = "other"
        assert await follower.follow() is False
        assert follower.items == shown(here)


@in_virtual_time
async def test_a_patch_goes_out_where_it_is_smaller_than_the_view(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        stage, follower = Offstage(here), Follower(here)
        for number in range(20):
            stage.put(item(f"s{number:02}", viewers=100 - number))
        await trio.sleep(1)
        await follower.follow()
        stage.put(item("s10", viewers=91))
        await follower.read()
        whole, patch = follower.sizes
        assert patch < 0.1 * whole
        for number in range(20):
            stage.put(item(f"t{number:02}", viewers=200 - number))
        await follower.read()
        assert follower.sizes[-1] == pytest.approx(whole, rel=0.1)
        assert follower.items == shown(here)


@in_virtual_time
async def test_a_channel_of_a_view_has_one_name_and_a_method_tells_it(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        Offstage(here).put(item("a", title="Café"))
        await trio.sleep(1)
        client = await connected(here)
        with pytest.raises(Refused) as refused:
            await client.ask("subscribe", channel="view:limit=20&sort=viewers")
        assert refused.value.code == ErrorCode.UNKNOWN_CHANNEL.value.code
        reply = await client.ask("rpc", method="relay.view", data={"title": "CAFÉ", "limit": 5})
        channel = reply["data"]["channel"]
        assert channel == "view:sort=viewers&limit=5&title=cafe"
        followed = await client.ask("subscribe", channel=channel)
        assert [each["name"] for each in followed["data"]["value"]] == ["a"]
        for wrong in ({"title": ""}, {"colour": "red"}, ["title"], 5):
            with pytest.raises(Refused) as bad:
                await client.ask("rpc", method="relay.view", data=wrong)
            assert bad.value.code == ErrorCode.BAD_REQUEST.value.code


@in_virtual_time
async def test_the_channel_of_unlisted_streams_is_for_their_owner_and_the_operator(
    tmp_path: Path,
) -> None:
    own = Query(filter=Filter(user="ann", unlisted=True))
    async with site(tmp_path) as here:
        Offstage(here).put(item("a", user="ann", is_listed=False))
        await trio.sleep(1)
        ann = await connected(here, token_of(here, "ann"))
        told = await ann.ask("rpc", method="relay.view", data={"user": "ann"})
        assert told["data"]["channel"] == own.channel
        reply = await ann.ask("subscribe", channel=own.channel)
        assert [each["name"] for each in reply["data"]["value"]] == ["a"]
        everything = Query(filter=Filter(unlisted=True)).channel
        for sub in ("bob", ""):
            other = await connected(here, token_of(here, sub) if sub else "")
            told = await other.ask("rpc", method="relay.view", data={"user": "ann"})
            assert told["data"]["channel"] == Query(filter=Filter(user="ann")).channel
            for channel in (own.channel, everything):
                with pytest.raises(Refused):
                    await other.ask("subscribe", channel=channel)
        with pytest.raises(Refused):
            await ann.ask("subscribe", channel=everything)


def test_nobody_is_nobodys_owner() -> None:
    for user in ("", None):
        assert not may_see(Query(filter=Filter(user=user, unlisted=True)), NOBODY)


@in_virtual_time
async def test_metrics_count_views_and_poll_sessions(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await RpcClient.create(here)
        await client.subscribe()
        Offstage(here).put(item("a"))
        await client.poll()
        answer = await (await here.connect("admin")).ask(request_bytes("GET", "/metrics"))
        samples = set(answer.body.decode().splitlines())
        for name in ("live_views", "live_view_publications_total", "poll_sessions"):
            assert f"relay_{name} 1.0" in samples


@in_virtual_time
async def test_nobody_publishes_into_a_view(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = await connected(here, token_of(here, "ann"))
        await client.ask("subscribe", channel=EVERYTHING)
        with pytest.raises(Refused) as refused:
            await client.ask("publish", channel=EVERYTHING, data={"value": []})
        assert refused.value.code == ErrorCode.PERMISSION_DENIED.value.code


@in_virtual_time
async def test_a_view_that_nobody_follows_is_kept_for_a_while_and_then_costs_nothing(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as here:
        stage, follower = Offstage(here), Follower(here)
        views = here.services.views
        for number in range(30):
            stage.put(item(f"s{number}", viewers=number))
        await trio.sleep(1)
        held = here.services.budget.held
        await follower.follow()
        for viewers in range(50):
            stage.put(item("s1", viewers=viewers))
            await trio.sleep(0.1)
        await follower.read_up_to(views._views[Query()].channel.last_offset)
        assert here.services.budget.held > held
        await trio.sleep(2 * IDLE_S)
        assert len(views._views) == 1
        follower.vanish()
        await trio.sleep(IDLE_S + 2 * TIDY_EVERY_S)
        assert views.statistics().views == 0
        assert views._engine._rankings == {}
        assert here.services.budget.held == held
        # Its next incarnation has another epoch.
        before = follower.epoch
        assert await follower.follow() is False
        assert follower.epoch != before


@in_virtual_time
async def test_there_are_only_so_many_views_and_idle_ones_make_room(tmp_path: Path) -> None:
    async with site(tmp_path, channels=ChannelsConfig(live_views=2)) as here:
        client = await RpcClient.create(here)
        first = await client.subscribe(limit=1)
        await client.subscribe(limit=2)
        with pytest.raises(CallFailed, match="too many different views") as refused:
            await client.subscribe(limit=3)
        assert refused.value.code == methods.TOO_MANY_VIEWS
        follower = await connected(here)
        with pytest.raises(Refused) as full:
            await follower.ask("subscribe", channel="view:sort=viewers&limit=3")
        assert full.value.code == ErrorCode.TOO_MANY_REQUESTS.value.code
        await follower.ask("subscribe", channel="view:sort=viewers&limit=2")
        await client.call("session.unsubscribe", client.session, first)
        await trio.sleep(0.001)
        await client.subscribe(limit=3)


@in_virtual_time
async def test_a_broadcast_is_shown_from_its_first_picture_to_the_end_of_its_hold(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as here:
        client = await RpcClient.create(here)
        key = await client.subscribe({"sort": "recent"})
        encoder = await here.say("rtmp", HELLO + publish_bytes("cat"), host="192.0.2.200")
        await encoder.hear_until(b"NetStream.Publish.Start")
        # Somebody publishes, and there is nothing to see.
        await encoder.say(TAGS[0] + TAGS[1])
        await client.poll(1)
        assert client.actions == [("ping", None)]
        began = trio.current_time()
        await encoder.say(b"".join(TAGS[2:40]))
        await client.poll()
        assert trio.current_time() - began < 0.3
        (cat,) = client.shown[key]
        assert (cat["name"], cat["state"], cat["viewers"], cat["width"]) == ("cat", "live", 0, 96)
        viewer = await here.say("http", MP4_WS)
        await viewer.hear_until(b"moof")
        await encoder.say(b"".join(TAGS[40:]))
        while client.shown[key][0]["viewers"] != 1:
            await client.poll(5)
        encoder.wire.close()
        while client.shown[key][0]["state"] != "held":
            await client.poll(5)
        assert client.shown[key][0]["bits_per_second"] == 0
        while client.shown[key]:
            await client.poll(90)
        assert client.actions[-1] == ("delete", "cat")


@in_virtual_time
async def test_bitrates_that_waver_are_no_news(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        await trio.sleep(1)
        broadcast = here.services.stage.broadcast("live/cat")
        assert broadcast is not None
        client = await RpcClient.create(here)
        key = await client.subscribe()
        for bitrate, told in (
            (1_000_000, True),
            (1_050_000, False),
            (930_000, False),
            (890_000, True),
        ):
            broadcast._bits_per_second = bitrate
            here.services.views.changed("live/cat")
            await client.poll(1)
            assert (client.actions[-1][0] == "update") is told, bitrate
        assert client.shown[key][0]["bits_per_second"] == 890_000


@in_virtual_time
async def test_a_watch_page_is_told_the_title_and_every_change_of_it(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        here.services.catalog._details["live/cat"] = Details(title="A cat")
        viewer = await here.say("http", MP4_WS)
        hello = await viewer.hear_until(b'"type":"state"')
        assert b'{"type":"details","title":"A cat","category":null}' in hello
        await here.publish("cat")
        await viewer.hear_until(b"moof")
        await here.services.catalog.change("live/cat", lambda _: Details(title="Two cats"))
        await viewer.hear_until(b'{"type":"details","title":"Two cats","category":null}')


@in_virtual_time
async def test_sorting_by_start_and_by_title_is_told_as_well(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        stage = Offstage(here)
        follower = Follower(here, Query(sort=Sort.TITLE).channel)
        await follower.follow()
        stage.put(item("a", title="Écluse"))
        stage.put(item("b", title="dog"))
        await follower.read()
        await trio.sleep(1)
        stage.put(item("a", title="abc"))
        await follower.read()
        assert [each["title"] for each in follower.items] == ["abc", "dog"]
