"""What moderators do about somebody, over the API: appointments, bans, deletions."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from support.chatting import ROOM, check, path, people
from support.memory import in_virtual_time
from support.setting_modes import banned


@in_virtual_time
async def test_moderators_are_appointed_and_seen(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        target = path(ROOM, "moderators")
        for user in ("bob", "ann"):
            answer = await it.ask("olga", "PUT", f"{target}/{user}")
            check("/moderators/{user}", "put", "200", json.loads(answer.body))
        found = await it.get("nobody", target)
        check("/moderators", "get", "200", found)
        assert [one["user"] for one in found["moderators"]] == ["ann", "bob"]
        assert (await it.get("bob", path(ROOM, "me")))["role"] == "moderator"
        assert await it.status("bob", "DELETE", f"{target}/bob") == 204
        assert await it.refusal("olga", "DELETE", f"{target}/bob") == "no-such-moderator"
        for user in ("guest_1", "a%E2%80%8Bb"):
            assert await it.refusal("olga", "PUT", f"{target}/{user}") == "moderator-not-possible"


@in_virtual_time
async def test_bans_are_read_a_page_at_a_time(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for user in ("d", "\u00e4/b", "a", "c"):
            await banned(it, user.replace("/", "-"), reason=f"because {user}")
        await banned(it, "a", for_s=60)
        first = await it.get("mod", path(ROOM, "bans") + "?limit=2")
        check("/bans", "get", "200", first)
        rest = await it.get("mod", path(ROOM, "bans") + f"?limit=2&cursor={first['next']}")
        assert [one["user"] for one in first["bans"] + rest["bans"]] == ["a", "c", "d", "\u00e4-b"]
        assert rest["next"] is None
        assert 1_700_000_060_000 <= first["bans"][0]["until_ms"] < 1_700_000_061_000
        assert first["bans"][1]["until"] is None
        one = await it.get("mod", path(ROOM, "bans", "c"))
        check("/bans/{user}", "get", "200", one)
        assert one == first["bans"][1]
        assert one["by"] == {"user": "mod", "name": "Mod", "kind": "user"}
        assert await it.refusal("mod", "GET", path(ROOM, "bans", "x")) == "no-such-ban"
        assert await it.status("mod", "DELETE", path(ROOM, "bans", "c")) == 204
        assert await it.refusal("mod", "DELETE", path(ROOM, "bans", "c")) == "no-such-ban"
        for query in ("limit=0", "limit=x", "limit=1000", "cursor=!", "cursor=YQ==", "cursor=AA"):
            cause = await it.refusal("mod", "GET", path(ROOM, "bans") + f"?{query}")
            assert cause == "page-not-possible"
            await trio.sleep(1)


@pytest.mark.parametrize(
    "value",
    [
        {"for_s": 0},
        {"for_s": -1},
        {"for_s": 10**12},
        {"for_s": 1.5},
        {"for_s": True},
        {"for_s": "60"},
        {"reason": "x" * 201},
        {"reason": "a\nb"},
        {"reason": None},
        {"until": "2030-01-01"},
    ],
)
@in_virtual_time
async def test_what_can_be_no_ban_is_refused(value: dict[str, Any], tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        assert await it.refusal("mod", "PUT", path(ROOM, "bans", "bob"), value) == (
            "ban-not-possible"
        )
        await it.say("bob", "hello")


@in_virtual_time
async def test_nobody_bans_who_stands_as_high(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for who, user in (("mod", "olga"), ("mod", "mod"), ("olga", "olga")):
            assert await it.refusal(who, "PUT", path(ROOM, "bans", user), {}) == "stands-as-high"
            target = path(ROOM, "users", user, "messages")
            assert await it.refusal(who, "DELETE", target) == "stands-as-high"


@in_virtual_time
async def test_a_deletion_is_one_for_history_search_and_log(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        listener = await it.connect("nobody", ROOM)
        said = await it.say("bob", "secret sauce")
        target = path(ROOM, "messages", said["id"])
        assert await it.status("ann", "DELETE", target) == 403
        assert await it.refusal("mod", "DELETE", f"{target}?reason=a%0ab") == "reason-not-possible"
        assert await it.status("mod", "DELETE", f"{target}?reason=off%20topic") == 204
        found = await it.get("nobody", target)
        check("/messages/{message}", "get", "200", found)
        assert (found["text"], found["deleted"]["by"]) == (None, "moderator")
        assert (await it.get("nobody", path(ROOM, "messages") + "?search=sauce"))["messages"] == []
        deleted = (await listener.publications(2))[1]
        assert deleted["data"] == {
            "type": "delete",
            "id": said["id"],
            "of": 1,
            "by": "moderator",
        }
        assert "info" not in deleted
        (entry,) = (await it.get("mod", path(ROOM, "audit")))["entries"]
        assert (entry["action"], entry["user"], entry["message"]) == ("delete", "bob", said["id"])
        assert entry["reason"] == "off topic"


@in_virtual_time
async def test_all_that_somebody_has_said_goes_by_one_request(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        listener = await it.connect("nobody", ROOM)
        for number in range(3):
            await it.say("bob", f"secret {number}!!!")
        await it.say("bob", "!!!")
        await it.say("ann", "hello")
        target = path(ROOM, "users", "bob", "messages")
        assert await it.status("mod", "DELETE", f"{target}?reason=spam") == 204
        assert await it.texts() == [None] * 4 + ["hello"]
        assert (await it.get("nobody", path(ROOM, "messages") + "?search=secret"))["messages"] == []
        heard = [one["data"] for one in await listener.publications(6)]
        assert heard[-1] == {"type": "purge", "user": "bob"}
        await it.say("bob", "sorry")
