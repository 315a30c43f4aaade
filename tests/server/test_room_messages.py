"""What is said in rooms, on a whole server in memory, and who hears it by what protocol."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from support.chatting import CLUB, DIRECT, HEART, ROOM, People, check, path, people
from support.memory import in_virtual_time

from relay.config.schema import ChatConfig
from relay.store.contract import StoreUnavailable
from relay.store.memory import MemoryStore

WHO = ("nobody", "guest", "ann", "bob", "mia", "operator")
NO_MESSAGE = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


async def make_club(it: People, **more: str) -> None:
    value = {"title": "The club", **more}
    assert await it.status("operator", "PUT", path(CLUB), value) == 201


@in_virtual_time
async def test_what_one_says_others_hear_and_find(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        listener = await it.connect("nobody", ROOM)
        first = await it.say("ann", "hello")
        second = await it.say("guest", "hi", reply_to=first["id"], mentions=["ann"])
        heard = await listener.publications(2)
        assert [one["offset"] for one in heard] == [first["offset"], second["offset"]] == [1, 2]
        assert heard[0]["data"]["author"] == {"user": "ann", "name": "Ann", "kind": "user"}
        assert heard[1]["data"]["id"] == second["id"]
        assert heard[1]["data"]["text"] == "hi"
        found = await it.page()
        assert found["messages"] == [first, second]
        assert second["reply_to"]["id"] == first["id"]
        assert second["author"]["kind"] == "guest"
        assert second["mentions"] == ["ann"]


@in_virtual_time
async def test_a_message_knows_where_the_picture_stood(tmp_path: Path) -> None:
    async with people(tmp_path, publish="open") as it:
        assert (await it.say("ann", "before"))["session"] is None
        await it.here.publish()
        during = await it.say("ann", "during")
        assert during["session"]
        assert during["media_ms"] >= 0


@in_virtual_time
async def test_a_retried_send_says_it_once_by_whatever_protocol(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        first = await it.say("ann", "hello", key="k")
        answer = await it.ask(
            "ann", "POST", path(ROOM, "messages"), {"text": "hello"}, idempotency_key='"k"'
        )
        assert (answer.status, json.loads(answer.body)) == (200, first)
        client = await it.connect("ann")
        await client.ask("publish", channel=ROOM, data={"text": "hello"}, idempotency_key="k")
        assert (await it.page())["messages"] == [first]
        # The key is ann's own, and this room's.
        await it.say("bob", "hello", key="k")
        await it.say("ann", "hello", "chat:live/dog", key="k")
        assert await it.texts() == ["hello", "hello"]


@in_virtual_time
async def test_many_that_send_the_same_at_once_say_it_once(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        said: list[Any] = []

        async def send() -> None:
            said.append(await it.say("ann", "hello", key="k"))

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(send)
        assert len(said) == 20
        assert all(one == said[0] for one in said)
        assert await it.texts() == ["hello"]


@pytest.mark.parametrize("key", ["", "a" * 129, '"open', "\u00e4", 'a"b'])
@in_virtual_time
async def test_what_is_no_key_is_refused(key: str, tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        value = {"text": "hello"}
        answer = await it.ask("ann", "POST", path(ROOM, "messages"), value, idempotency_key=key)
        assert json.loads(answer.body)["type"] == "/problems/key-not-possible"
        assert await it.texts() == []


# (method, what is behind the room, body, who may do it in a stream's room)
GUESTS = {"guest", "ann", "bob", "mia", "operator"}
ROUTES: list[tuple[str, tuple[str, ...], Any, set[str]]] = [
    ("GET", (), None, set(WHO)),
    ("GET", ("messages",), None, set(WHO)),
    ("GET", ("messages", "ID"), None, set(WHO)),
    ("POST", ("messages",), {"text": "hello"}, GUESTS),
    ("PATCH", ("messages", "ID"), {"text": "new"}, {"ann"}),
    ("PUT", ("messages", "ID", "reactions", HEART), None, GUESTS - {"operator"}),
    ("DELETE", ("messages", "ID", "reactions", HEART), None, GUESTS - {"operator"}),
    ("POST", ("typing",), None, GUESTS - {"operator"}),
    ("PUT", ("read",), {"offset": 1}, GUESTS - {"operator"}),
    ("DELETE", ("messages", "ID"), None, {"ann", "operator"}),
]
MEMBERS = {
    ROOM: set(WHO),
    DIRECT: {"ann", "bob", "operator"},
    # Ann says something there as a member, too.
    CLUB: {"ann", "mia", "operator"},
}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("room", MEMBERS)
@in_virtual_time
async def test_who_may_do_what(room: str, who: str, tmp_path: Path) -> None:
    async with people(tmp_path) as those:
        await make_club(those)
        member = those.here.services.access.mint({"sub": "ann", "rooms": [CLUB]})
        it = People(those.here, {**those.shown, "ann": member})
        for method, segments, value, may in ROUTES:
            said = await it.say("ann", "hello", room)
            target = path(room, *(said["id"] if one == "ID" else one for one in segments))
            status = await it.status(who, method, target, value)
            if who in may & MEMBERS[room]:
                assert status in (200, 201, 204), (method, target, status)
                continue
            assert status == (401 if who == "nobody" else 403), (method, target, status)
            assert (await it.page("ann", room=room))["messages"][-1] == said


@pytest.mark.parametrize("who", ["nobody", "guest", "mia"])
@pytest.mark.parametrize("publish", ["key", "open"])
@in_virtual_time
async def test_nobody_else_reaches_a_direct_room_by_any_protocol(
    who: str, publish: str, tmp_path: Path
) -> None:
    async with people(tmp_path, publish=publish) as it:
        await it.say("bob", "psst", DIRECT)
        listener = await it.connect(who)
        denied = 103
        assert await listener.code("subscribe", channel=DIRECT) == denied
        assert await listener.code("history", channel=DIRECT, limit=9) == denied
        assert await listener.code("publish", channel=DIRECT, data={"text": "me, too"}) == denied
        refused = 401 if who == "nobody" else 403
        stream = f"/v1/stream/{DIRECT}"
        targets = (stream, f"/events?channel={DIRECT}", path(DIRECT, "messages"))
        for target in targets:
            assert await it.status(who, "GET", target) == refused
        for method in ("PUT", "POST", "DELETE"):
            assert await it.status(who, method, stream, [{"text": "me, too"}]) == refused
        assert await it.texts("ann", room=DIRECT) == ["psst"]


@in_virtual_time
async def test_one_may_leave_a_room_that_one_may_read_no_more(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        assert await it.status("nobody", "DELETE", path(CLUB, "read")) == 401
        assert await it.status("operator", "DELETE", path(CLUB, "read")) == 403
        assert await it.status("guest", "DELETE", path(CLUB, "read")) == 204


@pytest.mark.parametrize("shown", ["expired", "forged"])
@in_virtual_time
async def test_a_token_that_is_not_good_is_told_so(shown: str, tmp_path: Path) -> None:
    async with people(tmp_path) as those:
        it = People(those.here, {**those.shown, "forged": those.shown["ann"][:-4] + "AAAA"})
        cause = await it.refusal(shown, "POST", path(ROOM, "messages"), {"text": "hello"})
        assert cause == {"expired": "token-expired", "forged": "token-invalid"}[shown]


@in_virtual_time
async def test_an_edit_is_heard_and_is_what_stands_there(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        listener = await it.connect("bob", ROOM)
        said = await it.say("ann", "helo", mentions=["bob"])
        answer = await it.ask("ann", "PATCH", path(ROOM, "messages", said["id"]), {"text": "hello"})
        now = json.loads(answer.body)
        check("/messages/{message}", "patch", "200", now)
        assert (now["text"], now["mentions"], now["offset"]) == ("hello", [], 1)
        assert now["edited_at"]
        _, edit = await listener.publications(2)
        assert edit["offset"] == 2
        assert edit["data"] == {"type": "edit", "id": said["id"], "of": 1, "text": "hello"}
        assert (await it.page())["messages"] == [now]
        assert await it.get("nobody", path(ROOM, "messages", said["id"])) == now


@in_virtual_time
async def test_what_was_deleted_can_be_read_nowhere_any_more(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        away = await it.connect("bob", ROOM)
        said = await it.say("ann", "secret-one")
        await it.say("bob", "between", reply_to=said["id"])
        (seen, _) = await away.publications(2)
        epoch = (await it.page())["epoch"]
        await away.hang_up()
        target = path(ROOM, "messages", said["id"])
        for text in ("secret-two", "secret-three"):
            assert await it.status("ann", "PATCH", target, {"text": text}) == 200
        assert await it.status("bob", "PUT", f"{target}/reactions/%E2%9D%A4") == 204
        assert await it.status("ann", "DELETE", target) == 204
        back = await it.connect("bob")
        recovered = await back.ask(
            "subscribe", channel=ROOM, recover=True, epoch=epoch, offset=seen["offset"]
        )
        assert recovered["recovered"]
        assert [one["data"]["type"] for one in recovered["publications"]] == [
            *("message", "edit", "edit", "reaction", "delete")
        ]
        stream = await it.ask("nobody", "GET", f"/v1/stream/{ROOM}")
        everywhere = [
            recovered,
            await back.ask("history", channel=ROOM, limit=99),
            json.loads(stream.body),
            await it.page(),
            await it.get("nobody", target),
            [str(one) for one in await it.here.services.store.read(ROOM, after=0, limit=99)],
        ]
        for found in everywhere:
            assert "secret" not in json.dumps(found)
        # Nothing that a cache holds would come back.
        assert stream.headers["cache-control"] == "no-store"
        assert "etag" not in stream.headers
        gone = (await it.page())["messages"][0]
        assert (gone["offset"], gone["text"], gone["reactions"]) == (1, None, [])
        assert gone["deleted"]["by"] == "author"
        assert gone["author"]["user"] == "ann"
        for method, segment, value in (("PATCH", "", {"text": "a"}), ("DELETE", "", None)):
            assert await it.refusal("ann", method, target + segment, value) == "message-gone"
        assert await it.refusal("bob", "PUT", f"{target}/reactions/%E2%9D%A4") == "message-gone"


@in_virtual_time
async def test_a_message_can_be_changed_for_a_while(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        said = await it.say("ann", "hello")
        target = path(ROOM, "messages", said["id"])
        await trio.sleep(ChatConfig().change_s - 1)
        assert await it.status("ann", "PATCH", target, {"text": "hello!"}) == 200
        await trio.sleep(2)
        assert await it.refusal("ann", "PATCH", target, {"text": "no"}) == "too-late-to-change"
        assert await it.refusal("ann", "DELETE", target) == "too-late-to-change"
        assert await it.texts() == ["hello!"]
        assert await it.status("operator", "DELETE", target) == 204
        assert (await it.page())["messages"][0]["deleted"]["by"] == "site"


@in_virtual_time
async def test_reactions_are_counted_and_told(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        listener = await it.connect("nobody", ROOM)
        said = await it.say("ann", "hello")
        target = path(ROOM, "messages", said["id"], "reactions", HEART)
        for who in ("bob", "mia", "bob"):
            assert await it.status(who, "PUT", target) == 204
        heart = {"reaction": HEART, "count": 2, "mine": False}
        assert (await it.page())["messages"][0]["reactions"] == [heart]
        assert (await it.page("bob"))["messages"][0]["reactions"] == [{**heart, "mine": True}]
        for _ in range(2):
            assert await it.status("bob", "DELETE", target) == 204
        heard = [one["data"] for one in (await listener.publications(4))[1:]]
        assert [(one["user"], one["on"], one["count"]) for one in heard] == [
            *(("bob", True, 1), ("mia", True, 2), ("bob", False, 1))
        ]
        bad = path(ROOM, "messages", said["id"], "reactions", "lol")
        assert await it.refusal("bob", "PUT", bad) == "reaction-not-possible"


@pytest.mark.parametrize("by", ["rest", "centrifugo"])
@in_virtual_time
async def test_that_somebody_writes_is_heard_and_not_kept(by: str, tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        listener, writer = await it.connect("nobody", ROOM), await it.connect("ann")
        await it.say("ann", "hello")
        for _ in range(3):
            if by == "rest":
                assert await it.status("ann", "POST", path(ROOM, "typing")) == 204
            else:
                await writer.ask("publish", channel=ROOM, data={"type": "typing"})
        await it.say("ann", "again")
        heard = await listener.publications(3)
        assert [one["data"]["type"] for one in heard] == ["message", "typing", "message"]
        assert "offset" not in heard[1]
        assert heard[1]["data"]["author"]["name"] == "Ann"
        kept = await listener.ask("history", channel=ROOM, limit=9)
        assert [one["data"]["type"] for one in kept["publications"]] == ["message", "message"]


@in_virtual_time
async def test_an_sdk_says_something_by_publishing_it(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        client = await it.connect("guest", ROOM)
        await client.ask("publish", channel=ROOM, data={"text": "hello"})
        (first,) = (await it.page())["messages"]
        await client.ask("publish", channel=ROOM, data={"text": "hi", "reply_to": first["id"]})
        heard = await client.publications(2)
        assert heard[0]["data"]["author"] == {"user": "guest_1", "name": "Gast", "kind": "guest"}
        assert heard[1]["data"]["reply_to"]["offset"] == 1
        bad = [
            {"text": ""},
            "hello",
            {"text": "a", "id": NO_MESSAGE},
            {"text": "a\u202eb"},
            {"text": "a", "reply_to": NO_MESSAGE},
            {"text": "x" * 1001},
        ]
        for data in bad:
            assert await client.code("publish", channel=ROOM, data=data) == 107
        assert await it.texts() == ["hello", "hi"]


@in_virtual_time
async def test_a_durable_stream_of_a_room_takes_messages(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        stream = f"/v1/stream/{ROOM}"
        assert await it.status("guest", "PUT", stream, [{"text": "one"}]) == 201
        assert await it.status("ann", "POST", stream, [{"text": "two"}, {"text": "three"}]) == 204
        for bad in ([1], [{"text": "a"}, {"text": ""}], [{"type": "typing"}]):
            assert await it.status("ann", "POST", stream, bad) == 400
        messages = (await it.page())["messages"]
        assert [(one["author"]["user"], one["text"]) for one in messages] == [
            *(("guest_1", "one"), ("ann", "two"), ("ann", "three"))
        ]


HOSTILE: list[tuple[Any, str]] = [
    ({"text": "\0"}, "message-not-possible"),
    ({"text": "a\u202eb"}, "message-not-possible"),
    ({"text": "a" + "\u200b" * 999}, "message-not-possible"),
    ({"text": "a" + "\u0301" * 500}, "message-not-possible"),
    ({"text": "x" * 1001}, "message-not-possible"),
    ({"text": "a", "reply_to": "'; DROP TABLE publications; --"}, "message-not-possible"),
    ({"text": "a", "reply_to": NO_MESSAGE}, "no-such-message"),
    ({"text": "a", "mentions": ["m"] * 21}, "message-not-possible"),
    ({"text": "a", "mentions": [f"{n}" + "\u00e4" * 250 for n in range(20)]}, "message-too-big"),
    ({"text": ["a"]}, "message-not-possible"),
    ({"text": "a", "at_ms": 0}, "message-not-possible"),
    ([], "not-json"),
    (b"[" * 10_000, "not-json"),
    (b'{"text": "\\ud800"}', "message-not-possible"),
    (b'{"text": NaN}', "not-json"),
]


@in_virtual_time
async def test_what_cannot_be_said_is_told_why_and_the_room_goes_on(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        listener = await it.connect("nobody", ROOM)
        for value, cause in HOSTILE:
            assert await it.refusal("ann", "POST", path(ROOM, "messages"), value) == cause
        large = await it.ask("ann", "POST", path(ROOM, "messages"), b'{"text":"' + b"x" * 2_000_000)
        assert large.status == 413
        script = "<script>alert(1)</script> '; DROP TABLE publications; --"
        assert (await it.say("ann", script))["text"] == script
        (heard,) = await listener.publications(1)
        assert heard["data"]["text"] == script
        assert heard["offset"] == 1


@in_virtual_time
async def test_one_says_so_much_and_no_more(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        answers = [
            await it.ask("guest", "POST", path(ROOM, "messages"), {"text": "a"}) for _ in range(201)
        ]
        assert [answer.status for answer in answers] == [201] * 200 + [429]
        assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"chat";q=200;w=10'}
        left = [answer.headers["ratelimit"].split(";")[1] for answer in answers]
        assert left == [*(f"r={199 - number}" for number in range(200)), "r=0"]
        answer = answers[-1]
        assert json.loads(answer.body)["type"] == "/problems/too-many-messages"
        assert 0 < int(answer.headers["retry-after"]) <= 10
        await it.say("ann", "another goes on")


@in_virtual_time
async def test_pages_lead_back_and_on_while_messages_arrive(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for number in range(7):
            await it.say("ann", str(number))
        found = await it.page(query="?limit=3")
        newest, met = found, [one["text"] for one in found["messages"]]
        while (cursor := found["older"]) is not None:
            await it.say("bob", "meanwhile")
            found = await it.page(query=f"?limit=3&cursor={cursor}")
            met = [one["text"] for one in found["messages"]] + met
        assert met == ["0", "1", "2", "3", "4", "5", "6"]
        later = await it.page(query=f"?cursor={newest['newer']}")
        assert {one["text"] for one in later["messages"]} == {"meanwhile"}
        assert len(later["messages"]) == 2
        end = await it.page(query=f"?cursor={later['newer']}")
        assert (end["messages"], end["newer"]) == ([], later["newer"])


@in_virtual_time
async def test_pages_begin_beside_an_offset_or_a_time(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        said = []
        for number in range(5):
            said.append(await it.say("ann", str(number)))
            await trio.sleep(10)
        at = said[2]["sent_at"]
        for query, wanted in (
            ("?before=3", ["0", "1"]),
            ("?before=3&limit=1", ["1"]),
            ("?after=3", ["3", "4"]),
            ("?after=3&limit=1", ["3"]),
            ("?after=99", []),
            (f"?before_time={at}", ["0", "1"]),
            (f"?after_time={at}", ["2", "3", "4"]),
            ("?after_time=2100-01-01T00:00:00Z", []),
            ("?before_time=2100-01-01T00:00:00Z&limit=2", ["3", "4"]),
            ("?before_time=2000-01-01T00:00:00Z", []),
        ):
            assert (query, await it.texts(query=query)) == (query, wanted)
        await it.say("ann", "5")
        last = await it.page(query="?after_time=2100-01-01T00:00:00Z")
        assert last["messages"] == []
        await it.say("ann", "6")
        assert await it.texts(query=f"?cursor={last['newer']}") == ["6"]


@in_virtual_time
async def test_a_cursor_leads_nowhere_else(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        await it.say("ann", "a")
        await it.say("ann", "b", "chat:live/dog")
        cursor = (await it.page())["newer"]
        elsewhere = path("chat:live/dog", "messages") + f"?cursor={cursor}"
        assert await it.refusal("ann", "GET", elsewhere) == "page-not-possible"
        for query in ("?cursor=x", f"?cursor={cursor}x", "?limit=0", "?before=1&after=2"):
            target = path(ROOM, "messages") + query
            assert await it.refusal("ann", "GET", target) == "page-not-possible"


@in_virtual_time
async def test_a_room_that_nobody_has_spoken_in_is_empty_and_costs_nothing(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        found = await it.page()
        assert (found["messages"], found["offset"], found["older"]) == ([], 0, None)
        assert await it.texts(query=f"?cursor={found['newer']}") == []
        check("", "get", "200", await it.get("nobody", path(ROOM)))
        assert await it.refusal("nobody", "GET", path(ROOM, "messages", "x")) == "no-such-message"
        assert it.here.services.hub.find(ROOM) is None
        await it.say("ann", "hello")
        assert await it.texts(query=f"?cursor={found['newer']}") == ["hello"]


class Full(MemoryStore):
    """A disk that takes nothing more."""

    __slots__ = ()

    async def commit(self, batch: object) -> None:
        raise StoreUnavailable("the disk is full")


@in_virtual_time
async def test_a_store_that_fails_is_said_to(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        said = await it.say("ann", "hello")
        store = it.here.services.store
        assert isinstance(store, MemoryStore)
        store.__class__ = Full
        target = path(ROOM, "messages", said["id"])
        for method, where, value in (
            ("POST", path(ROOM, "messages"), {"text": "a"}),
            ("PATCH", target, {"text": "b"}),
            ("DELETE", target, None),
            ("PUT", f"{target}/reactions/%E2%9D%A4", None),
            ("PUT", path(ROOM, "read"), {"offset": 1}),
        ):
            answer = await it.ask("ann", method, where, value)
            assert answer.status == 503
            assert json.loads(answer.body)["type"] == "/problems/store-unavailable"
            assert answer.headers["retry-after"]
        store.__class__ = MemoryStore
        assert (await it.page())["messages"] == [said]
        assert (await it.say("ann", "again"))["offset"] == 2
