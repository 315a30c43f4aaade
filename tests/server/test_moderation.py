"""Who may do what to a room and to people in it, over the API; each answer as it is documented."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from support.chatting import CLUB, DIRECT, ROOM, People, check, path, people
from support.memory import in_virtual_time
from support.setting_modes import banned, modes

from relay.chat.moderation.words import word_id

WHO = ("nobody", "guest", "ann", "mia", "mod", "olga", "operator")
EVERYBODY = set(WHO)
MODERATORS = {"mod", "olga", "operator"}
OWNERS = {"olga", "operator"}
BAD = word_id("bad")

# (method, what is behind the room, body, who may, whether what it is about must be there before)
ROUTES: list[tuple[str, tuple[str, ...], Any, set[str]]] = [
    ("GET", ("me",), None, EVERYBODY),
    ("GET", ("modes",), None, EVERYBODY),
    ("PATCH", ("modes",), {"slow_s": 1}, MODERATORS),
    ("GET", ("moderators",), None, EVERYBODY),
    ("PUT", ("moderators", "ben"), None, OWNERS),
    ("DELETE", ("moderators", "ben"), None, OWNERS),
    ("GET", ("bans",), None, MODERATORS),
    ("PUT", ("bans", "cid"), {"for_s": 60, "reason": "spam"}, MODERATORS),
    ("GET", ("bans", "cid"), None, MODERATORS),
    ("DELETE", ("bans", "cid"), None, MODERATORS),
    ("DELETE", ("users", "cid", "messages"), None, MODERATORS),
    ("GET", ("words",), None, MODERATORS),
    ("POST", ("words",), {"pattern": "bad"}, MODERATORS),
    ("DELETE", ("words", BAD), None, MODERATORS),
    ("GET", ("audit",), None, MODERATORS),
]


@pytest.mark.parametrize("who", WHO)
@in_virtual_time
async def test_who_may_do_what(who: str, tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for method, segments, value, may in ROUTES:
            target = path(ROOM, *segments)
            if who not in may and method == "DELETE":
                await there(it, segments)
            answer = await it.ask(who, method, target, value)
            if who in may:
                assert answer.status in (200, 201, 204), (method, target, answer.body)
                continue
            assert answer.status == (401 if who == "nobody" else 403), (method, target)
            if who != "nobody":
                cause = "owner-only" if segments[0] == "moderators" else "moderators-only"
                assert json.loads(answer.body)["type"] == f"/problems/{cause}"
            await trio.sleep(1)


async def there(it: People, segments: tuple[str, ...]) -> None:
    """What is to be taken away is there."""
    body = {"moderators": None, "bans": {}, "words": {"pattern": "bad"}}.get(segments[0])
    if segments[0] == "words":
        await it.status("operator", "POST", path(ROOM, "words"), body)
    elif segments[0] in ("moderators", "bans"):
        await it.status("operator", "PUT", path(ROOM, *segments), body)


@pytest.mark.parametrize("room", ["group:none", "user:ann", "none:a", "streams", "direct:bob,ann"])
@in_virtual_time
async def test_what_is_no_room_is_none(room: str, tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for method, segments, value, _ in ROUTES:
            assert await it.status("operator", method, path(room, *segments), value) == 404


@in_virtual_time
async def test_everybody_is_told_what_they_are_and_may(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        found = {}
        for who in WHO:
            found[who] = await it.get(who, path(ROOM, "me"))
            check("/me", "get", "200", found[who])
        assert {who: me["role"] for who, me in found.items()} == {
            "nobody": "nobody",
            "guest": "guest",
            "ann": "member",
            "mia": "member",
            "mod": "moderator",
            "olga": "owner",
            "operator": "site",
        }
        may = {who: me["may"] for who, me in found.items()}
        assert {who for who in WHO if may[who]["write"]} == EVERYBODY - {"nobody"}
        assert {who for who in WHO if may[who]["moderate"]} == MODERATORS
        assert {who for who in WHO if may[who]["appoint"]} == OWNERS
        assert all(one["read"] for one in may.values())
        assert found["nobody"]["refused"] == "/problems/token-needed"
        assert found["ann"]["refused"] is None
        assert found["ann"]["modes"] == modes()


@in_virtual_time
async def test_one_is_told_what_keeps_one_from_speaking(tmp_path: Path) -> None:
    async with people(tmp_path) as it:

        async def refused(who: str) -> Any:
            return (await it.get(who, path(ROOM, "me")))["refused"]

        await it.status("mod", "PATCH", path(ROOM, "modes"), {"guests": False})
        assert await refused("guest") == "/problems/guests-off"
        await it.status("mod", "PATCH", path(ROOM, "modes"), {"followers_only": True})
        assert await refused("ann") == "/problems/followers-only"
        assert await it.status("ann", "PUT", "/api/v1/users/ann/follows/live/cat") == 201
        assert await refused("ann") is None
        await it.status("mod", "PATCH", path(ROOM, "modes"), {"slow_s": 10})
        await it.say("ann", "hello")
        me = await it.get("ann", path(ROOM, "me"))
        assert (me["refused"], me["may"]["write"], me["wait_ms"]) == (None, True, 10_000)
        await banned(it, "ann", for_s=60, reason="enough")
        me = await it.get("ann", path(ROOM, "me"))
        check("/me", "get", "200", me)
        assert (me["refused"], me["may"]["read"]) == ("/problems/timed-out", True)
        # Who it was is for the moderators to know.
        assert "by" not in me["ban"]
        assert (me["ban"]["reason"], me["ban"]["until"][:19]) == ("enough", "2023-11-14T22:14:20")
        await banned(it, "ann")
        me = await it.get("ann", path(ROOM, "me"))
        assert (me["refused"], me["may"]["read"], me["modes"]) == ("/problems/banned", False, None)


@in_virtual_time
async def test_modes_are_changed_and_read_as_they_are(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        target = path(ROOM, "modes")
        answer = await it.ask("mod", "PATCH", target, {"slow_s": 10, "links": False})
        check("/modes", "patch", "200", json.loads(answer.body))
        now = await it.get("nobody", target)
        check("/modes", "get", "200", now)
        assert now == json.loads(answer.body) == modes(slow_s=10, links=False)
        for wrong in ({"slow_s": -1}, {"links": "no"}, {"x": 1}):
            assert await it.refusal("mod", "PATCH", target, wrong) == "modes-not-possible"
        assert await it.refusal("mod", "PATCH", target, b"{") == "not-json"
        assert await it.get("nobody", target) == now


@in_virtual_time
async def test_only_a_streams_room_is_for_followers(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        await it.status("operator", "PUT", path(CLUB), {"owner": "mia"})
        for room, who in ((CLUB, "mia"), (DIRECT, "operator")):
            value = {"followers_only": True}
            cause = await it.refusal(who, "PATCH", path(room, "modes"), value)
            assert cause == "modes-not-possible"
            assert await it.status(who, "PATCH", path(room, "modes"), {"slow_s": 1}) == 200


@in_virtual_time
async def test_a_room_of_the_sites_has_the_owner_whom_it_was_given(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        await it.status("operator", "PUT", path(CLUB), {"owner": "ann", "read": "anyone"})
        assert (await it.get("ann", path(CLUB, "me")))["role"] == "owner"
        assert (await it.get("olga", path(CLUB, "me")))["role"] == "member"
        # Who owns a room keeps order there, also where others speak.
        said = await it.say("mia", "hello", CLUB)
        assert await it.status("ann", "DELETE", path(CLUB, "messages", said["id"])) == 204
        await banned(it, "mia", room=CLUB, by="ann")
        # A room that is made anew is another one.
        await it.status("operator", "DELETE", path(CLUB))
        await it.status("operator", "PUT", path(CLUB), {"owner": "ann"})
        assert (await it.get("ann", path(CLUB, "bans")))["bans"] == []
        assert (await it.get("ann", path(CLUB, "audit")))["entries"] == []
        await it.say("mia", "again", CLUB)


@in_virtual_time
async def test_nobody_moderates_two_who_talk_but_the_site(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for who in ("ann", "bob", "olga"):
            assert (await it.ask(who, "GET", path(DIRECT, "bans"))).status == 403
        assert await it.refusal("operator", "PUT", path(DIRECT, "moderators", "ann")) == (
            "moderator-not-possible"
        )
        assert await it.status("operator", "GET", path(DIRECT, "bans")) == 200


@in_virtual_time
async def test_a_word_list_is_kept_by_moderators(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        target = path(ROOM, "words")
        answer = await it.ask("mod", "POST", target, {"pattern": r"\bbad\b"})
        assert answer.status == 201
        word = json.loads(answer.body)
        check("/words", "post", "201", word)
        assert await it.status("mod", "POST", target, {"pattern": r"\bbad\b"}) == 200
        found = await it.get("mod", target)
        check("/words", "get", "200", found)
        assert found == {"words": [word]}
        said = {"text": "how BAD"}
        cause = await it.refusal("ann", "POST", path(ROOM, "messages"), said)
        assert cause == "word-not-allowed"
        for value in ({}, {"pattern": 1}, {"pattern": "("}, {"pattern": "a", "x": 1}):
            assert await it.refusal("mod", "POST", target, value) == "word-not-possible"
        assert await it.status("mod", "DELETE", f"{target}/{word['id']}") == 204
        assert await it.refusal("mod", "DELETE", f"{target}/{word['id']}") == "no-such-word"
        await it.say("ann", "how BAD")


@in_virtual_time
async def test_the_log_says_who_did_what_to_whom_when_and_why(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        await it.status("mod", "PATCH", path(ROOM, "modes"), {"slow_s": 5})
        await trio.sleep(1)
        await banned(it, "bob", for_s=60, reason="spam")
        await it.status("olga", "PUT", path(ROOM, "moderators", "ann"))
        await it.status("mod", "POST", path(ROOM, "words"), {"pattern": "bad"})
        page = await it.get("olga", path(ROOM, "audit") + "?limit=3")
        check("/audit", "get", "200", page)
        rest = await it.get("ann", path(ROOM, "audit") + f"?cursor={page['next']}")
        entries = (page["entries"] + rest["entries"])[::-1]
        assert [(one["by"]["user"], one["action"], one["user"]) for one in entries] == [
            ("mod", "modes", None),
            ("mod", "ban", "bob"),
            ("olga", "appoint", "ann"),
            ("mod", "add_word", None),
        ]
        assert entries[0]["details"] == {"slow_s": 5}
        assert entries[0]["at"] < entries[1]["at"] <= entries[2]["at"]
        assert entries[1]["reason"] == "spam"
        assert rest["next"] is None
        for query in ("cursor=-1", "cursor=x", "cursor=1'--", "limit=0"):
            cause = await it.refusal("mod", "GET", path(ROOM, "audit") + f"?{query}")
            assert cause == "page-not-possible"


@in_virtual_time
async def test_who_orders_too_much_waits(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for _ in range(50):
            assert await it.status("mod", "GET", path(ROOM, "bans")) == 200
        answer = await it.ask("mod", "GET", path(ROOM, "bans"))
        assert (answer.status, answer.headers["retry-after"]) == (429, "10")
        assert await it.status("olga", "GET", path(ROOM, "bans")) == 200
