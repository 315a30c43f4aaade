"""A user is forgotten by the own wish or the site's, and whoever may know is told what is gone."""

import json
import re
from pathlib import Path

import pytest
import trio
from openapi_schema_validator import OAS31Validator
from support.chatting import DIRECT, DOCUMENT, HEART, ROOM, Json, People, path, people
from support.memory import in_virtual_time

WHO = ("nobody", "guest", "ann", "bob", "operator")


def check(pattern: str, method: str, status: str, value: Json) -> None:
    described = DOCUMENT["paths"][pattern][method]["responses"][status]
    OAS31Validator(described["content"]["application/json"]["schema"]).validate(value)


async def erase(it: People, who: str, user: str) -> Json:
    answer = await it.ask(who, "DELETE", f"/api/v1/users/{user}")
    assert answer.status == 202, answer.body
    receipt: Json = json.loads(answer.body)
    check("/api/v1/users/{user}", "delete", "202", receipt)
    assert answer.headers["location"] == f"/api/v1/erasures/{receipt['id']}"
    return receipt


@in_virtual_time
async def test_everything_of_a_user_is_gone_from_what_the_api_says(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        listener = await it.connect("bob", ROOM)
        first = await it.say("ann", "my secret")
        await it.say("bob", "well", reply_to=first["id"], mentions=["ann"])
        second = await it.say("bob", "heart?")
        heart = path(ROOM, "messages", second["id"], "reactions", HEART)
        assert await it.status("ann", "PUT", heart) == 204
        await it.say("ann", "psst", DIRECT)
        assert await it.status("ann", "PUT", path(ROOM, "read"), {"offset": 1}) == 204
        settings = "/api/v1/users/ann/settings/theme"
        assert await it.status("ann", "PUT", settings, {"dark": True}) == 201
        assert await it.status("ann", "PUT", "/api/v1/users/ann/follows/live/cat") in (200, 201)
        begun = await erase(it, "ann", "ann")
        assert begun["state"] == "running"
        await trio.sleep(10)
        target = f"/api/v1/erasures/{begun['id']}"
        done = await it.get("operator", target)
        check("/api/v1/erasures/{erasure}", "get", "200", done)
        assert done == await it.get("ann", target)
        assert (done["state"], done["user_sha256"]) == ("done", begun["user_sha256"])
        removed = {what: count for what, count in done["removed"].items() if count}
        assert removed == {
            "messages": 1,
            "mentions": 1,
            "publications": 1,
            "reactions": 1,
            "settings": 1,
            "follows": 1,
            "direct_rooms": 1,
            "read_marks": 1,
            "channels": 1,
        }
        # Whoever follows the room was told, and what is there says no name.
        told = [one["data"] for one in await listener.publications(5)]
        assert told[-1] == {"type": "purge", "user": "ann"}
        page = await it.page("bob")
        assert [one["text"] for one in page["messages"]] == [None, "well", "heart?"]
        assert page["messages"][0]["author"]["user"] == ""
        history = await (await it.connect("bob")).ask("history", channel=ROOM, limit=99)
        for said in (page, history, await it.get("bob", "/api/v1/users/bob/rooms")):
            assert not re.search(r"\bann\b|secret", json.dumps(said).lower())
        assert await it.texts("operator", "?author=ann") == []
        assert (await it.get("ann", "/api/v1/users/ann/rooms"))["rooms"] == []
        # Whoever comes back is somebody new.
        assert (await it.say("ann", "hello again"))["author"]["user"] == "ann"


@pytest.mark.parametrize("who", WHO)
@in_virtual_time
async def test_each_user_may_go_and_the_site_may_send_away(who: str, tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for user in ("ann", "bob", "guest_1"):
            status = await it.status(who, "DELETE", f"/api/v1/users/{user}")
            is_own = user == {"guest": "guest_1"}.get(who, who)
            if who == "operator" or is_own:
                assert status == 202
            else:
                assert status == (401 if who == "nobody" else 403)
        receipt = await erase(it, "operator", "ann")
        status = await it.status(who, "GET", f"/api/v1/erasures/{receipt['id']}")
        # That there is one is nobody else's business.
        assert status == {"nobody": 401, "ann": 200, "operator": 200}.get(who, 404)
        assert await it.status(who, "GET", "/api/v1/erasures/none") == (
            401 if who == "nobody" else 404
        )


@in_virtual_time
async def test_nobody_has_the_same_taken_away_all_the_time(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        statuses = [await it.status("ann", "DELETE", "/api/v1/users/ann") for _ in range(20)]
        assert statuses[0] == 202
        assert statuses[-1] == 429
        assert await it.status("operator", "DELETE", f"/api/v1/users/{'x' * 256}") == 404
