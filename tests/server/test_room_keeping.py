"""What a room's readers, and the site, learn of all that was said there."""

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support.chatting import CLUB, DIRECT, HEART, ROOM, Json, People, check, path, people
from support.http_client import Answer, read_answers, request_bytes
from support.memory import Faults, in_virtual_time

from relay.server.rest.export import PAGE
from relay.store.contract import StoreUnavailable
from relay.store.memory import MemoryStore

WHO = ("nobody", "guest", "ann", "bob", "mia", "operator")


async def statistics(it: People, query: str = "") -> Json:
    found = await it.get("nobody", path(ROOM, "statistics") + query)
    check("/statistics", "get", "200", found)
    return found


async def export(it: People, room: str = ROOM, **faults: Any) -> Answer:
    """Read to the end of the connection."""
    peer = await it.here.connect("admin", faults=Faults(**faults))
    key = ("Authorization", f"Bearer {it.shown['operator']}")
    await peer.say(request_bytes("GET", path(room, "export"), key))
    head, _, body = (await peer.hear_all()).partition(b"\r\n\r\n")
    (answer,) = read_answers(head + b"\r\nContent-Length: 0\r\n\r\n", "GET")
    return attrs.evolve(answer, body=body)


def lines(answer: Answer) -> list[Json]:
    return [json.loads(line) for line in answer.body.splitlines()]


@in_virtual_time
async def test_how_much_was_said_is_counted_as_it_is_said(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        assert (await statistics(it))["minutes"] == []
        for who in ("ann", "ann", "bob", "operator"):
            await it.say(who, "hello")
        await trio.sleep(120)
        await it.say("bob", "anybody?")
        found = await statistics(it)
        counted = [(one["messages"], one["users"]) for one in found["minutes"]]
        assert counted == [(4, 2), (1, 1)]
        assert found["messages"] == 5
        assert found["from"] < found["minutes"][0]["at"] < found["minutes"][1]["at"] < found["to"]
        assert (await statistics(it, "?minutes=1"))["messages"] == 1
        for bad in ("0", "1441", "-1", "1e9", "'; --"):
            target = path(ROOM, "statistics") + f"?minutes={bad.replace(' ', '%20')}"
            assert await it.refusal("ann", "GET", target) == "page-not-possible"


@in_virtual_time
async def test_an_export_has_every_message_and_what_is_left_of_those_that_are_none(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as it:
        first, gone = await it.say("ann", "two\nlines, \u00e4"), await it.say("ann", "secret")
        await it.status("bob", "PUT", path(ROOM, "messages", first["id"], "reactions", HEART))
        await it.status("ann", "DELETE", path(ROOM, "messages", gone["id"]))
        answer = await export(it)
        assert answer.headers["content-type"] == "application/jsonl"
        head, *said, end = lines(answer)
        assert (head["type"], head["room"], head["offset"]) == ("export", ROOM, 4)
        assert end == {"type": "end", "messages": 2}
        page = await it.page()
        assert said == [{"type": "message", **one} for one in page["messages"]]
        assert said[0]["reactions"] == [{"reaction": HEART, "count": 1, "mine": False}]
        assert b"secret" not in answer.body
        empty = lines(await export(it, "chat:live/dog"))
        assert [one["type"] for one in empty] == ["export", "end"]


async def fill(it: People, count: int) -> None:
    for number in range(0, count, 10):
        batch = [{"text": f"{number + n}"} for n in range(10)]
        method = "POST" if number else "PUT"
        assert await it.status("operator", method, f"/v1/stream/{ROOM}", batch) in (201, 204)


@in_virtual_time
async def test_an_export_ends_where_the_room_stood_and_holds_no_more_than_a_page(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as it:
        await fill(it, 2 * PAGE + 10)
        answers: list[Answer] = []
        held: list[int] = []

        async def read() -> None:
            # A reader that is slow: what is queued for it shows in the budget.
            answers.append(await export(it, stall=0.5, stall_s=1.0, capacity=20_000))

        before = it.here.services.budget.held
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            while not answers:
                held.append(it.here.services.budget.held - before)
                await trio.sleep(0.5)
                if len(held) == 3:
                    await it.say("ann", "later")
        head, *said, end = lines(answers[0])
        assert head["offset"] == end["messages"] == len(said) == 2 * PAGE + 10
        assert [one["text"] for one in said] == [f"{n}" for n in range(2 * PAGE + 10)]
        # It was slow indeed, and nothing ran ahead of it.
        assert len(held) > 10
        assert 0 < max(held) < len(answers[0].body) * 0.75


@in_virtual_time
async def test_an_export_that_is_not_whole_does_not_end_as_one_that_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with people(tmp_path) as it:
        await fill(it, PAGE + 10)
        asked = MemoryStore.messages

        async def fails(store: MemoryStore, room: str, *, after: int, **more: Any) -> Any:
            if after:
                raise StoreUnavailable("the disk is gone")
            return await asked(store, room, after=after, **more)

        monkeypatch.setattr(MemoryStore, "messages", fails)
        answer = await export(it)
        assert [one["type"] for one in lines(answer)] == ["export", *["message"] * PAGE]


@pytest.mark.parametrize("who", WHO)
@in_virtual_time
async def test_readers_see_how_much_is_said_and_the_site_alone_has_it_all(
    who: str, tmp_path: Path
) -> None:
    async with people(tmp_path) as it:
        assert await it.status("operator", "PUT", path(CLUB), {"title": "The club"}) == 201
        readers = {ROOM: WHO, DIRECT: ("ann", "bob", "operator"), CLUB: ("mia", "operator")}
        for room, may in readers.items():
            status = await it.status(who, "GET", path(room, "statistics"))
            assert status == (200 if who in may else 401 if who == "nobody" else 403), room
            if who != "operator":
                # It answers on the site's own listener, and there nobody else.
                assert await it.status(who, "GET", path(room, "export")) == 404
                peer = await it.here.connect("admin")
                shown = [("Authorization", f"Bearer {it.shown[who]}")] if who in it.shown else []
                answer = await peer.ask(request_bytes("GET", path(room, "export"), *shown))
                assert answer.status == (401 if who == "nobody" else 403)
                peer.close()
