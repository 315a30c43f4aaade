"""The rooms there are, those that the site makes, and those of a user."""

from pathlib import Path

import pytest
import trio
from support.chatting import CLUB, DIRECT, ROOM, People, check, path, people
from support.memory import in_virtual_time

MINE = "/api/v1/users/{}/rooms"


async def rooms(it: People, who: str, user: str = "") -> list[tuple[str, int, int]]:
    found = await it.get(who, MINE.format(user or who))
    return [(one["room"], one["read"], one["unread"]) for one in found["rooms"]]


@in_virtual_time
async def test_a_room_is_described(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        await it.say("ann", "hello")
        room = await it.get("guest", path(ROOM))
        check("", "get", "200", room)
        assert (room["kind"], room["offset"], room["may_write"]) == ("stream", 1, True)
        assert not (await it.get("nobody", path(ROOM)))["may_write"]
        assert (await it.get("ann", path(DIRECT)))["with"] == "bob"


@pytest.mark.parametrize(
    "room",
    [
        "chat:a/b/c",
        "group:none",
        "direct:ann",
        "direct:bob,ann",
        "user:ann",
        "none:a",
        "streams",
    ],
)
@in_virtual_time
async def test_what_is_no_room_is_none(room: str, tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for who in ("ann", "operator"):
            assert await it.status(who, "GET", path(room, "messages")) == 404
            assert await it.status(who, "POST", path(room, "messages"), {"text": "a"}) == 404
        assert it.here.services.hub.find(room) is None


@in_virtual_time
async def test_a_rooms_slash_may_be_escaped_and_no_other(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        await it.say("ann", "hello")
        base = "/api/v1/rooms/"
        for name in ("chat%3Alive%2Fcat", "chat:live%2fcat", "chat:live/cat"):
            assert (await it.get("ann", f"{base}{name}/messages"))["offset"] == 1
            assert (await it.get("ann", f"{base}{name}"))["offset"] == 1
        for name in (
            "chat:live%2Fcat%2Fmessages",
            "chat:live/cat%2Fmessages",
            "group:a%2Fmessages",
            "chat%3Alive%2Fcat/messages%2Fx",
        ):
            assert await it.status("ann", "GET", base + name) == 400


@in_virtual_time
async def test_a_stream_may_be_called_as_a_part_of_an_address(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for room in ("chat:live/messages", "chat:messages/read", "chat:live/typing"):
            said = await it.say("ann", "hello", room)
            assert (await it.get("ann", path(room)))["room"] == room
            assert (await it.page(room=room))["messages"] == [said]


@in_virtual_time
async def test_the_site_makes_rooms_with_rules_of_their_own(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        assert await it.refusal("mia", "GET", path(CLUB)) == "no-such-room"
        assert await it.status("operator", "PUT", path(CLUB), {"title": "The club"}) == 201
        club = {
            "room": CLUB,
            "title": "The club",
            "owner": "",
            "read": "member",
            "write": "member",
        }
        assert (await it.get("operator", "/api/v1/rooms"))["rooms"] == [club]
        await it.say("mia", "hello", CLUB)
        assert await it.status("ann", "GET", path(CLUB, "messages")) == 403
        assert await it.status("operator", "PUT", path(CLUB), {"read": "anyone"}) == 200
        assert await it.texts("nobody", room=CLUB) == ["hello"]
        assert await it.status("ann", "POST", path(CLUB, "messages"), {"text": "a"}) == 403
        for who in ("nobody", "guest", "mia"):
            for method, value in (("PUT", {}), ("DELETE", None)):
                assert await it.status(who, method, path(CLUB), value) == 405


@in_virtual_time
async def test_who_follows_a_room_whose_rules_change_asks_again(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        await it.status("operator", "PUT", path(CLUB), {"read": "anyone"})
        listener = await it.connect("nobody", CLUB)
        await it.status("operator", "PUT", path(CLUB), {"read": "member"})
        ended = await listener.push("unsubscribe")
        assert ended["unsubscribe"]["code"] == 2500
        assert await listener.code("subscribe", channel=CLUB) == 103
        await it.say("mia", "among us", CLUB)


@in_virtual_time
async def test_a_removed_room_takes_along_what_was_said_there(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        await it.status("operator", "PUT", path(CLUB), {})
        await it.say("mia", "secret", CLUB)
        assert await it.status("mia", "PUT", path(CLUB, "read"), {"offset": 0}) == 204
        assert await rooms(it, "mia") == [(CLUB, 0, 0)]
        assert await it.status("operator", "DELETE", path(CLUB)) == 204
        assert await it.refusal("operator", "DELETE", path(CLUB)) == "no-such-room"
        assert await rooms(it, "mia") == []
        await it.status("operator", "PUT", path(CLUB), {})
        assert await it.texts("mia", room=CLUB) == []


@pytest.mark.parametrize(
    ("room", "value"),
    [
        (CLUB, {"read": "owner"}),
        (CLUB, {"write": "anyone"}),
        (CLUB, {"title": "x" * 101}),
        (CLUB, {"title": "a\nb"}),
        (CLUB, {"members": []}),
        (ROOM, {}),
        (DIRECT, {}),
        ("user:ann", {}),
    ],
)
@in_virtual_time
async def test_what_cannot_be_a_room_is_refused(
    room: str, value: dict[str, str], tmp_path: Path
) -> None:
    async with people(tmp_path) as it:
        assert await it.refusal("operator", "PUT", path(room), value) == "room-not-possible"


@in_virtual_time
async def test_two_users_have_a_room_that_both_find(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for user, other in (("ann", "bob"), ("bob", "ann")):
            answer = await it.ask(user, "POST", MINE.format(user), {"with": other})
            assert answer.status == 200
            assert DIRECT.encode() in answer.body
        await it.say("ann", "psst", DIRECT)
        assert await rooms(it, "bob") == [(DIRECT, 0, 1)]
        assert await rooms(it, "ann") == [(DIRECT, 0, 0)]


@pytest.mark.parametrize("by", ["rest", "centrifugo", "durable"])
@in_virtual_time
async def test_who_is_written_to_finds_the_room_however_it_was_said(
    by: str, tmp_path: Path
) -> None:
    async with people(tmp_path) as it:
        value = {"text": "psst"}
        match by:
            case "rest":
                await it.say("ann", "psst", DIRECT)
            case "centrifugo":
                await (await it.connect("ann")).ask("publish", channel=DIRECT, data=value)
            case _:
                assert await it.status("ann", "PUT", f"/v1/stream/{DIRECT}", [value]) == 201
        assert await rooms(it, "bob") == [(DIRECT, 0, 1)]


@pytest.mark.parametrize("other", ["ann", "", None, 7, "\u00e4" * 200, "a\0b"])
@in_virtual_time
async def test_not_everybody_can_have_a_room_of_two(other: object, tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        cause = await it.refusal("ann", "POST", MINE.format("ann"), {"with": other})
        assert cause == "room-not-possible"
        assert await it.status("guest", "POST", MINE.format("guest_1"), {"with": "ann"}) == 403


@in_virtual_time
async def test_all_rooms_of_a_user_come_with_what_is_unread(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for number in range(3):
            await it.say("ann", str(number))
        await trio.sleep(1)
        await it.say("bob", "mine", "chat:live/dog")
        for room, offset in ((ROOM, 1), ("chat:live/dog", 0)):
            assert await it.status("bob", "PUT", path(room, "read"), {"offset": offset}) == 204
        assert await rooms(it, "bob") == [("chat:live/dog", 0, 0), (ROOM, 1, 2)]
        assert await rooms(it, "operator", "bob") == [("chat:live/dog", 0, 0), (ROOM, 1, 2)]
        assert await it.status("bob", "PUT", path(ROOM, "read"), {"offset": 3}) == 204
        assert await it.status("bob", "PUT", path(ROOM, "read"), {"offset": 2}) == 204
        await trio.sleep(1)
        last = await it.say("ann", "and one")
        assert await rooms(it, "bob") == [(ROOM, 3, 1), ("chat:live/dog", 0, 0)]
        assert await it.status("ann", "DELETE", path(ROOM, "messages", last["id"])) == 204
        assert await rooms(it, "bob") == [(ROOM, 3, 0), ("chat:live/dog", 0, 0)]
        assert await it.status("bob", "DELETE", path(ROOM, "read")) == 204
        assert await rooms(it, "bob") == [("chat:live/dog", 0, 0)]


@in_virtual_time
async def test_nobody_has_read_what_is_yet_to_come(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        await it.say("ann", "one")
        assert await it.status("bob", "PUT", path(ROOM, "read"), {"offset": 2**62}) == 204
        await it.say("ann", "two")
        assert await rooms(it, "bob") == [(ROOM, 1, 1)]
        for offset in (-1, 1.5, "1", None, True, 2**63):
            target = path(ROOM, "read")
            cause = await it.refusal("bob", "PUT", target, {"offset": offset})
            assert cause == "mark-not-possible"


@in_virtual_time
async def test_a_users_rooms_are_the_users_own(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for who, status in (("nobody", 401), ("guest", 403), ("bob", 403), ("operator", 200)):
            assert await it.status(who, "GET", MINE.format("ann")) == status
            value = {"with": "cid"}
            assert await it.status(who, "POST", MINE.format("ann"), value) == status


@in_virtual_time
async def test_a_user_has_so_many_rooms_and_no_more(tmp_path: Path) -> None:
    async with people(tmp_path, publish="open") as it:
        most = it.here.services.config.chat.rooms_per_user
        for number in range(most):
            target = path(f"chat:live/r{number}", "read")
            assert await it.status("ann", "PUT", target, {"offset": 0}) == 204
        cause = await it.refusal("ann", "PUT", path(ROOM, "read"), {"offset": 0})
        assert cause == "too-many-rooms"
        # Those that are there go on.
        assert await it.status("ann", "PUT", path("chat:live/r0", "read"), {"offset": 0}) == 204
