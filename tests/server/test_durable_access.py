"""Who may read, make, append to and delete which durable stream."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import trio
from support.durable import JSON, StreamClient
from support.hostile import Site, site
from support.memory import in_virtual_time
from support.tokens import token

from relay.channels.names import parse_name
from relay.channels.namespaces import ALWAYS_THERE
from relay.config import ChannelsConfig
from relay.config.schema import NamespaceConfig
from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key
from relay.views.query import Query

SAID = b'{"text":"1"}'
"""What any channel takes, a room too."""
WHO = ("nobody", "guest", "user", "owner", "operator")
OPEN, GUESTS, USERS, OWNERS, OPERATORS, SHUT = (
    (True, True, True, True, True),
    (False, True, True, True, True),
    (False, False, True, True, True),
    (False, False, False, True, True),
    (False, False, False, False, True),
    (False, False, False, False, False),
)
NAMESPACES = (
    NamespaceConfig(name="wall", subscribe="anyone", publish="guest"),
    NamespaceConfig(name="club", subscribe="guest", publish="user"),
    NamespaceConfig(name="members", subscribe="user", publish="operator"),
    NamespaceConfig(name="diary", subscribe="owner", publish="owner"),
    NamespaceConfig(name="log", subscribe="operator", publish="nobody"),
)
# (channel, who may read, who may write, who may end it)
RULES = (
    ("wall:ann", OPEN, GUESTS, OPERATORS),
    ("club:ann", GUESTS, USERS, OPERATORS),
    ("members:ann", USERS, OPERATORS, OPERATORS),
    ("diary:ann", OWNERS, OWNERS, OWNERS),
    ("log:ann", OPERATORS, SHUT, SHUT),
    ("plain", USERS, OPERATORS, OPERATORS),
    ("chat:live/cat", OPEN, GUESTS, OPERATORS),
    ("user:ann", OWNERS, OPERATORS, OPERATORS),
    (Query().channel, OPEN, SHUT, SHUT),
    ("stream:live/cat", OPEN, OPERATORS, OPERATORS),
)


def bearers(data: Path) -> Mapping[str, tuple[tuple[str, str], ...]]:
    operator, api_key = issue_api_key(b"1" * 32, "ci", created="2026-01-01T00:00:00Z")
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(api=(api_key,)))
    shown = {
        "guest": token(data, sub="guest_1", role="guest"),
        "user": token(data, sub="bob"),
        "owner": token(data, sub="ann"),
        "operator": operator,
    }
    return {who: (("Authorization", f"Bearer {shown}"),) for who, shown in shown.items()}


@asynccontextmanager
async def guarded(data: Path, *, publish: str = "key") -> AsyncIterator[Site]:
    channels = ChannelsConfig(namespaces=NAMESPACES)
    async with site(data, publish=publish, channels=channels) as here:
        yield here


def expected(may: bool, status: int, who: str) -> int:
    if may:
        return status
    return 401 if who == "nobody" else 403


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(("channel", "readers", "writers", "enders"), RULES)
@in_virtual_time
async def test_the_channels_rules_decide_every_verb(
    channel: str,
    readers: tuple[bool, ...],
    writers: tuple[bool, ...],
    enders: tuple[bool, ...],
    who: str,
    tmp_path: Path,
) -> None:
    shown = bearers(tmp_path)
    may_read, may_write, may_end = (may[WHO.index(who)] for may in (readers, writers, enders))
    async with guarded(tmp_path) as here:
        client = StreamClient(await here.connect(), shown.get(who, ()))
        # What may not be asked says nothing about what there is.
        for made in (True,) if parse_name(channel).namespace in ALWAYS_THERE else (False, True):
            if made and any(writers):
                maker = StreamClient(await here.connect(), shown["operator"])
                await maker.make(channel)
            there = 200 if made and any(writers) else 404
            for method in ("GET", "HEAD"):
                answer = await client.ask(method, channel)
                assert answer.status == expected(may_read, there, who)
            answer = await client.ask("POST", channel, JSON, body=SAID)
            assert answer.status == expected(may_write, 204 if there == 200 else 404, who)
        answer = await client.ask("PUT", channel, JSON)
        assert answer.status == expected(may_write, 200, who)
        for more in (("Stream-TTL", "1"), ("Stream-Closed", "true"), ("Content-Type", "text/html")):
            answer = await client.ask("PUT", channel, *([] if "Type" in more[0] else [JSON]), more)
            assert answer.status == expected(may_end, 409, who)
        answer = await client.ask("POST", channel, ("Stream-Closed", "true"))
        assert answer.status == expected(may_end, 204, who)
        assert (await client.ask("DELETE", channel)).status == expected(may_end, 204, who)


@pytest.mark.parametrize("who", WHO)
@in_virtual_time
async def test_in_a_laboratory_anyone_may_do_what_anyone_could(who: str, tmp_path: Path) -> None:
    shown = bearers(tmp_path)
    async with guarded(tmp_path, publish="open") as here:
        client = StreamClient(await here.connect(), shown.get(who, ()))
        for channel, _, writers, _ in RULES:
            may = any(writers)
            answers = [
                await client.ask("PUT", channel, JSON),
                await client.ask("POST", channel, JSON, body=SAID),
                await client.ask("GET", channel),
                await client.ask("DELETE", channel),
            ]
            refused = 401 if who == "nobody" else 403
            wanted = [201, 204, 200, 204] if may else [refused, refused, 404, refused]
            assert (channel, [answer.status for answer in answers]) == (channel, wanted)


@pytest.mark.parametrize("who", ["nobody", "user", "operator"])
@in_virtual_time
async def test_events_are_for_those_who_may_read(who: str, tmp_path: Path) -> None:
    shown = bearers(tmp_path)
    async with guarded(tmp_path) as here:
        for channel, readers, *_ in RULES:
            client = StreamClient(await here.connect(), shown.get(who, ()))
            target = f"/events?channel={quote(channel)}"
            if readers[WHO.index(who)]:
                await client.events(target)
                client.peer.close()
                continue
            await client.say("GET", target)
            assert (await client.answer("GET")).status == expected(False, 200, who)


@in_virtual_time
async def test_a_name_that_no_namespace_has_rules_for_is_nowhere(tmp_path: Path) -> None:
    shown = bearers(tmp_path)
    async with guarded(tmp_path) as here:
        client = StreamClient(await here.connect(), shown["operator"])
        for name in ("nowhere:a", "wall:", "a%20b", "a" * 256, "__ds/subscriptions/a", "__ds"):
            for method in ("GET", "HEAD", "PUT", "DELETE"):
                assert (await client.ask(method, name)).status == 404
        assert here.services.hub.channels() == []


@in_virtual_time
async def test_asking_for_what_is_not_there_keeps_nothing(tmp_path: Path) -> None:
    async with guarded(tmp_path, publish="open") as here:
        client = StreamClient(await here.connect())
        for index in range(100):
            assert (await client.ask("GET", f"none-{index}")).status == 404
            assert (await client.ask("POST", f"none-{index}", JSON, body=b"1")).status == 404
            assert (await client.ask("DELETE", f"none-{index}")).status == 404
        assert here.services.hub.channels() == []


@in_virtual_time
async def test_what_the_server_itself_speaks_on_is_there_before_it_has_said_anything(
    tmp_path: Path,
) -> None:
    shown = bearers(tmp_path)
    async with guarded(tmp_path) as here:
        reader = StreamClient(await here.connect())
        for name in ("stream:live/cat", "streams"):
            answer = await reader.ask("GET", name)
            assert (answer.status, answer.body) == (200, b"[]")
            await reader.say("GET", f"/v1/stream/{name}?offset=now&live=long-poll")
            operator = StreamClient(await here.connect(), shown["operator"])
            await operator.add(name, b'"hello"')
            assert (await reader.answer("GET")).body == b'["hello"]'


@in_virtual_time
async def test_pages_of_other_sites_read_what_anyone_may(tmp_path: Path) -> None:
    shown = bearers(tmp_path)
    origin = ("Origin", "https://elsewhere.example")
    async with guarded(tmp_path) as here:
        client = StreamClient(await here.connect(), shown["operator"])
        for name, shares in (("wall:ann", True), ("members:ann", False)):
            await client.make(name, body=b"[1]")
            for method in ("GET", "HEAD"):
                answer = await client.ask(method, name, origin)
                assert ("access-control-allow-origin" in answer.headers) is shares
                caching = answer.headers["cache-control"]
                assert caching.startswith(
                    "no-store" if method == "HEAD" else ("private", "public")[shares]
                )


@in_virtual_time
async def test_a_producer_is_its_owners_own(tmp_path: Path) -> None:
    shown = bearers(tmp_path)
    count = (("Producer-Id", "phone"), ("Producer-Seq", "0"))
    async with guarded(tmp_path) as here:
        ann = StreamClient(await here.connect(), shown["owner"])
        bob = StreamClient(await here.connect(), shown["user"])
        await ann.make("club:a")
        for client, epoch, status in ((ann, "0", 200), (bob, "7", 200), (ann, "0", 204)):
            epochs = ("Producer-Epoch", epoch)
            answer = await client.ask("POST", "club:a", JSON, *count, epochs, body=b'"hello"')
            assert answer.status == status
        read = await ann.ask("GET", "club:a")
        assert read.body == b'["hello","hello"]'


@in_virtual_time
async def test_one_may_publish_so_much_however_many_connections_bring_it(tmp_path: Path) -> None:
    shown = bearers(tmp_path)
    async with guarded(tmp_path) as here:
        maker = StreamClient(await here.connect(), shown["operator"])
        await maker.make("wall:a")
        statuses = list[int]()
        for _ in range(21):
            client = StreamClient(await here.connect(), shown["guest"])
            answer = await client.ask("POST", "wall:a", JSON, body=b"[1,2,3,4,5,6,7,8,9,10]")
            statuses.append(answer.status)
        # Twenty a second, over ten seconds.
        assert statuses == [204] * 20 + [429]
        assert answer.headers["retry-after"] == "10"
        for who, status in (("user", 204), ("operator", 204), ("guest", 429)):
            client = StreamClient(await here.connect(), shown[who])
            assert (await client.ask("POST", "wall:a", JSON, body=b"1")).status == status
        await trio.sleep(10)
        assert (await client.ask("POST", "wall:a", JSON, body=b"1")).status == 204
