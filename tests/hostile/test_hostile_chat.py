"""Whatever is said to a room, it is said to the room alone: a clear error, and the room goes on."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from support.centrifugo_client import connected
from support.chatting import MESSAGES, ROOM, People, path
from support.going_on import room
from support.memory import in_virtual_time
from support.tokens import token


async def refused_everywhere(it: People, who: str, data: Any, *, cause: str) -> None:
    """By REST with its cause, by Durable Streams with a 400 or more, by Centrifugo with a code."""
    assert await it.refusal(who, "POST", MESSAGES, data) == cause
    assert 400 <= await it.status(who, "POST", f"/v1/stream/{ROOM}", [data]) < 500
    client = await connected(it.here, it.shown[who])
    assert await client.code("publish", channel=ROOM, data=data) >= 100
    client.peer.close()


SCRIPTS = (
    "<script>alert(document.cookie)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "javascript:alert(1)",
    "</textarea><iframe src=//example.org>",
    "{{constructor.constructor('alert(1)')()}}",
    "&lt;b&gt; is not <b>",
)


@pytest.mark.parametrize("text", SCRIPTS)
@in_virtual_time
async def test_markup_is_a_text_and_comes_back_as_it_was_typed(text: str, tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        shown = {**it.it.shown, "eve": token(tmp_path, sub="eve", name=text)}
        those = People(it.it.here, shown)
        said = await those.say("eve", text)
        assert (said["text"], said["author"]["name"]) == (text, text)
        answer = await those.ask("bob", "GET", MESSAGES)
        # No browser takes it for a page.
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        (heard,) = await it.listener.publications(1)
        assert heard["data"]["text"] == text
        await it.goes_on()


@pytest.mark.parametrize("name", ["<b>" * 200, "a\u202eb", "x\0y", "\ud800"])
@in_virtual_time
async def test_a_name_that_reaches_beyond_itself_is_cut_or_refused(
    name: str, tmp_path: Path
) -> None:
    async with room(tmp_path) as it:
        answer = await it.it.ask("nobody", "POST", "/api/v1/guests", {"name": name})
        if answer.status == 201:
            given = json.loads(answer.body)["name"]
            assert given.isprintable()
            assert "\u202e" not in given
        else:
            assert json.loads(answer.body)["type"] == "/problems/name-not-possible"
        await it.goes_on()


HUGE = "x" * (1 << 20)


@in_virtual_time
async def test_a_message_of_a_megabyte_is_refused_by_every_protocol(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        answer = await it.it.ask("ann", "POST", MESSAGES, {"text": HUGE})
        assert answer.status in (413, 422)
        assert await it.it.status("ann", "POST", f"/v1/stream/{ROOM}", [{"text": HUGE}]) in (
            400,
            413,
        )
        client = await connected(it.it.here, it.it.shown["ann"])
        await client.say(client.command("publish", channel=ROOM, data={"text": HUGE}))
        closed = await client.read_to_end()
        assert closed is not None
        assert closed[0] == 1009
        assert await it.it.texts() == []
        await it.goes_on()


@pytest.mark.parametrize(
    "text",
    [
        "\u200b" * 500,
        "a" + "\u200b" * 500,
        "Z" + "\u0335\u0337\u0338" * 100,
        "a\u2060" * 3 + "\u2060" * 9,
        "\u202eevil",
        "\u202dx\u202c",
        "\u2066" + "\u202b" + "x",
        "\u3164" * 10,
        "\u2800",
        "\ufeff",
        "a\0b",
        "a\x1b[2J",
        "\u2028" * 5,
        "\n" * 500 + "x",
        "",
        " ",
    ],
)
@in_virtual_time
async def test_floods_of_what_nobody_sees_and_turned_texts_are_refused(
    text: str, tmp_path: Path
) -> None:
    async with room(tmp_path) as it:
        await refused_everywhere(it.it, "ann", {"text": text}, cause="message-not-possible")
        assert await it.it.texts() == []
        await it.goes_on()


@pytest.mark.parametrize(
    "data",
    [
        {"text": ["a"]},
        {"text": None},
        {"text": "a", "id": "mine"},
        {"text": "a", "author": {"user": "olga"}},
        {"text": "a", "reply_to": "1' OR '1'='1"},
        {"text": "a", "mentions": ["x" * 300]},
        {"text": "a", "mentions": ["a"] * 1000},
        {"type": "ban", "user": "bob", "until_ms": None},
        {"type": "purge", "user": "bob"},
        {"type": "delete", "id": "x", "of": 1, "by": "site"},
    ],
)
@in_virtual_time
async def test_nobody_makes_up_what_only_the_server_says(data: Any, tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        await refused_everywhere(it.it, "ann", data, cause="message-not-possible")
        await it.goes_on()


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x", "(a{0,99}){0,9}b", r"(\pL+\s?)*!", "(a?){99}a{99}"]
)
@in_virtual_time
async def test_an_exploding_pattern_holds_nobody_up(pattern: str, tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        answer = await it.it.ask("mod", "POST", path(ROOM, "words"), {"pattern": pattern})
        if answer.status != 201:
            assert json.loads(answer.body)["type"] == "/problems/word-not-possible"
        # Where it is no match, Python's own engine would look for it until the stars have gone out.
        answer = await it.it.ask("bob", "POST", MESSAGES, {"text": "a" * 999 + "?"})
        assert answer.status in (201, 422)
        assert await it.it.status("mod", "GET", path(ROOM, "words")) == 200
        await it.it.say("mod", "a" * 1000)
        for word in (await it.it.get("mod", path(ROOM, "words")))["words"]:
            await it.it.status("mod", "DELETE", path(ROOM, "words", word["id"]))
        await it.goes_on()


@in_virtual_time
async def test_five_thousand_messages_in_a_second_are_refused_and_nobody_else_waits(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as it:
        flooder = await connected(it.it.here, it.it.shown["mia"])
        began = trio.current_time()
        commands = [
            flooder.command("publish", channel=ROOM, data={"text": f"flood {number}"})
            for number in range(5000)
        ]
        outcomes = {"said": 0, "refused": 0}

        async def flood() -> None:
            # Nobody else may write meanwhile: a pong goes along with the rest.
            flooder.answers_pings = False
            for start in range(0, len(commands), 50):
                await flooder.say(*commands[start : start + 50], {})
            flooder.answers_pings = True

        async def count() -> None:
            for command in commands:
                number = command["id"]
                while number not in flooder.replies:
                    assert not flooder.is_gone, flooder.closed
                    await flooder.read()
                reply = flooder.replies.pop(number)
                refused = "error" in reply
                assert not refused or reply["error"]["code"] == 111
                outcomes["refused" if refused else "said"] += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(flood)
            nursery.start_soon(count)
            await trio.sleep(0.01)
            said = trio.current_time()
            await it.it.say("ann", "amid the flood")
            assert trio.current_time() - said < 1.0
        # It went on for as long as the server let it, and it did happen.
        seconds = trio.current_time() - began
        assert sum(outcomes.values()) == 5000
        per_s = it.it.here.services.hub.resolve(ROOM)[1].publishes_per_s
        assert 0 < outcomes["said"] <= per_s * (seconds + 10)
        await it.goes_on()
