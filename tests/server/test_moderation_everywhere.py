"""What a room does not take it takes by no protocol, and whoever is there hears what changes."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from support.centrifugo_client import Refused, connected, token_of
from support.chatting import ROOM, People, path, people
from support.http_client import Answer, request_bytes
from support.memory import in_virtual_time
from support.setting_modes import banned, modes, ordered

STREAM = f"/v1/stream/{ROOM}"
Send = Callable[[People, str, str], Awaitable[tuple[str, int]]]
"""Say something; the cause of the refusal or nothing, and how many seconds to wait."""


def outcome(answer: Answer) -> tuple[str, int]:
    wait_s = int(answer.headers.get("retry-after", "0"))
    if answer.status < 400:
        return "", wait_s
    said = json.loads(answer.body)
    assert said["status"] == answer.status
    return str(said["type"]).removeprefix("/problems/"), wait_s


async def by_rest(it: People, who: str, text: str) -> tuple[str, int]:
    return outcome(await it.ask(who, "POST", path(ROOM, "messages"), {"text": text}))


async def by_append(it: People, who: str, text: str) -> tuple[str, int]:
    return outcome(await it.ask(who, "POST", STREAM, [{"text": text}]))


CODES = {
    460: "banned",
    461: "timed-out",
    462: "slow-mode",
    463: "followers-only",
    464: "guests-off",
    465: "links-off",
    466: "word-not-allowed",
}


async def by_centrifugo(it: People, who: str, text: str) -> tuple[str, int]:
    client = await connected(it.here, it.shown.get(who, ""))
    try:
        await client.ask("publish", channel=ROOM, data={"text": text})
    except Refused as refused:
        message = str(refused)
        is_waiting = message.endswith(" s") and "wait " in message
        return CODES[refused.code], int(message.split(" ")[-2]) if is_waiting else 0
    finally:
        client.peer.close()
    return "", 0


DIALECTS: dict[str, Send] = {
    "rest": by_rest,
    "durable": by_append,
    "centrifugo": by_centrifugo,
}


@pytest.mark.parametrize("by", DIALECTS)
@in_virtual_time
async def test_what_a_room_does_not_take_it_takes_by_no_protocol(by: str, tmp_path: Path) -> None:
    send = DIALECTS[by]
    async with people(tmp_path) as it:
        await it.say("olga", "welcome")
        assert await send(it, "ann", "hello") == ("", 0)
        await ordered(it, slow_s=10)
        assert await send(it, "ann", "one") == ("", 0)
        await trio.sleep(4)
        assert await send(it, "ann", "two") == ("slow-mode", 6)
        assert await send(it, "bob", "three") == ("", 0)
        assert [await send(it, "mod", "four") for _ in range(2)] == [("", 0)] * 2
        await ordered(it, slow_s=0, links=False, guests=False)
        assert await send(it, "ann", "see example.org") == ("links-off", 0)
        assert await send(it, "mod", "see example.org") == ("", 0)
        assert await send(it, "guest", "hello") == ("guests-off", 0)
        await it.status("mod", "POST", path(ROOM, "words"), {"pattern": "bad"})
        assert await send(it, "ann", "b\u200bAd") == ("word-not-allowed", 0)
        await ordered(it, followers_only=True)
        assert await send(it, "ann", "five") == ("followers-only", 0)
        assert await it.status("ann", "PUT", "/api/v1/users/ann/follows/live/cat") == 201
        assert await send(it, "ann", "six") == ("", 0)
        await banned(it, "ann", for_s=60)
        await trio.sleep(30)
        assert await send(it, "ann", "seven") == ("timed-out", 30)
        await trio.sleep(30)
        assert await send(it, "ann", "eight") == ("", 0)
        await banned(it, "ann")
        assert await send(it, "ann", "nine") == ("banned", 0)
        assert await it.texts("mod") == [
            "welcome",
            "hello",
            "one",
            "three",
            "four",
            "four",
            "see example.org",
            "six",
            "eight",
        ]


@in_virtual_time
async def test_a_room_is_not_begun_by_who_may_not_speak_there(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        await banned(it, "bob")
        assert await it.status("operator", "DELETE", STREAM) == 204
        answer = await it.ask("bob", "PUT", STREAM, [{"text": "first"}])
        assert outcome(answer)[0] == "banned"
        assert await it.texts("ann") == []


@in_virtual_time
async def test_every_message_of_a_batch_counts_for_slow_mode(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        await ordered(it, slow_s=10)
        answer = await it.ask("ann", "POST", STREAM, [{"text": "one"}, {"text": "two"}])
        assert outcome(answer)[0] == "slow-mode"
        assert await it.texts() == []


@in_virtual_time
async def test_whoever_is_there_hears_what_changes(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        listener = await it.connect("nobody", ROOM)
        await ordered(it, slow_s=10)
        await banned(it, "bob", for_s=60, reason="secret")
        await it.status("mod", "DELETE", path(ROOM, "bans", "bob"))
        await banned(it, "bob", reason="secret")
        await it.status("olga", "PUT", path(ROOM, "moderators", "ann"))
        await it.status("olga", "DELETE", path(ROOM, "moderators", "ann"))
        heard = await listener.publications(6)
        assert [one["offset"] for one in heard] == [1, 2, 3, 4, 5, 6]
        # Not by whom, and not why.
        assert not any("info" in one for one in heard)
        now_ms = round(it.here.services.ports.wall() * 1000)
        until_ms = heard[1]["data"].pop("until_ms")
        assert now_ms < until_ms <= now_ms + 60_000
        assert [one["data"] for one in heard] == [
            {"type": "modes", **modes(slow_s=10)},
            {"type": "ban", "user": "bob"},
            {"type": "unban", "user": "bob"},
            {"type": "ban", "user": "bob", "until_ms": None},
            {"type": "role", "user": "ann", "role": "moderator"},
            {"type": "role", "user": "ann", "role": "member"},
        ]
        # They are no messages.
        assert await it.texts() == []


@in_virtual_time
async def test_the_live_connections_of_a_banned_user_are_told_and_follow_no_more(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as it:
        theirs = [await it.connect("bob", ROOM, "chat:live/dog") for _ in range(2)]
        other = await it.connect("ann", ROOM)
        await banned(it, "bob", for_s=60)
        for client in (*theirs, other):
            assert (await client.publications(1))[0]["data"]["type"] == "ban"
        await banned(it, "bob")
        for client in theirs:
            ended = await client.push("unsubscribe")
            assert ended == {"channel": ROOM, "unsubscribe": {"code": 2460, "reason": "banned"}}
        await it.say("ann", "psst")
        await it.say("ann", "there", "chat:live/dog")
        assert [one["data"]["type"] for one in await other.publications(2)] == ["ban", "message"]
        for client in theirs:
            (heard,) = await client.publications(1)
            assert heard["data"]["text"] == "there"
            assert await client.code("subscribe", channel=ROOM) == 460
            assert await client.code("publish", channel=ROOM, data={"text": "a"}) == 460
            assert await client.code("publish", channel=ROOM, data={"type": "typing"}) == 460


@in_virtual_time
async def test_who_is_banned_reads_by_no_protocol_and_who_has_a_timeout_does(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as it:
        said = await it.say("ann", "hello")
        client = await connected(it.here, it.shown["bob"])
        targets = (
            path(ROOM),
            path(ROOM, "messages"),
            path(ROOM, "messages", said["id"]),
            path(ROOM, "messages") + "?search=hello",
            path(ROOM, "modes"),
            path(ROOM, "moderators"),
            STREAM,
        )
        await banned(it, "bob", for_s=60)
        for target in targets:
            assert await it.status("bob", "GET", target) == 200, target
        assert await client.code("history", channel=ROOM, limit=1) == 0
        await banned(it, "bob", reason="enough")
        for target in (*targets, f"/events?channel={ROOM}"):
            answer = await it.ask("bob", "GET", target)
            assert outcome(answer)[0] == "banned", target
            assert json.loads(answer.body)["detail"].endswith(": enough")
        for command in ("subscribe", "history", "presence"):
            assert await client.code(command, channel=ROOM) == 460
        # A token for the room changes nothing.
        permission = token_of(it.here, "bob", channel=ROOM)
        assert await client.code("subscribe", channel=ROOM, token=permission) == 460
        brought = await connected(it.here, token_of(it.here, "bob", channels=[ROOM]))
        await it.say("ann", "psst")
        await brought.ask("ping")
        assert not any("pub" in push for push in brought.pushes)
        await it.status("mod", "DELETE", path(ROOM, "bans", "bob"))
        assert await client.code("subscribe", channel=ROOM) == 0


@pytest.mark.parametrize("target", [f"/events?channel={ROOM}", f"{STREAM}?offset=-1&live=sse"])
@in_virtual_time
async def test_what_a_banned_user_reads_on_ends_and_nobody_elses(
    target: str, tmp_path: Path
) -> None:
    async with people(tmp_path) as it:
        await it.say("ann", "hello")
        readers = {}
        for who in ("ann", "bob", "mod"):
            readers[who] = await it.here.connect()
            token = ("Authorization", f"Bearer {it.shown[who]}")
            await readers[who].say(request_bytes("GET", target, token))
            await readers[who].hear_until(b"\r\n\r\n")
        await banned(it, "bob", for_s=60)
        await readers["bob"].hear_until(b"until_ms")
        await banned(it, "bob")
        await banned(it, "mod", by="olga")
        with trio.fail_after(60):
            assert b"psst" not in await readers["bob"].hear_all()
        await it.say("ann", "psst")
        for who in ("ann", "mod"):
            await readers[who].hear_until(b"psst")
            readers[who].close()
        await trio.testing.wait_all_tasks_blocked()
        assert len(it.here.services.readers) == 0
        assert "rules_changed" in [one.lower() for one in it.here.ended()]


@in_virtual_time
async def test_a_moderator_by_token_is_one_whoever_bans_it(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        client = await it.connect("mod", ROOM)
        await banned(it, "mod", by="olga")
        await it.say("mod", "still here")
        heard: list[Any] = [one["data"]["type"] for one in await client.publications(2)]
        assert heard == ["ban", "message"]
