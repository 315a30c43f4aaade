"""What was said in rooms is found by its words, and with the picture, on a server in memory."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import attrs
import pytest
import trio
from support.chatting import CLUB, DIRECT, ROOM, People, check, path, people
from support.hostile import CONFIGURATIONS, HELLO, Peer, publish_bytes, tag_bytes
from support.http_client import Answer
from support.memory import in_virtual_time
from support.rtmp_captures import source_packets

from relay.chat.chunks import CHUNK, CLOSED_AFTER_MS, FRESH_S
from relay.packet import Kind

WHO = ("nobody", "guest", "ann", "bob", "mia", "operator")
FRAME_MS = 40


def query(**parameters: Any) -> str:
    return "?" + urlencode(parameters)


async def refused(it: People, **parameters: Any) -> str:
    return await it.refusal("operator", "GET", path(ROOM, "messages") + query(**parameters))


async def piece(it: People, who: str = "nobody", etag: str = "", **parameters: Any) -> Answer:
    target = path(ROOM, "messages") + query(**parameters)
    return await it.ask(who, "GET", target, **({"if_none_match": etag} if etag else {}))


@in_virtual_time
async def test_what_was_said_is_found_by_its_words_and_by_who_said_it(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for who, text in (("ann", "a black cat"), ("bob", "Cat food"), ("ann", "a dog")):
            await it.say(who, text)
        assert await it.texts(query="?search=CAT") == ["a black cat", "Cat food"]
        assert await it.texts(query="?search=cat&author=ann") == ["a black cat"]
        assert await it.texts(query="?author=ann") == ["a black cat", "a dog"]
        assert await it.texts(query=query(search="cat OR dog")) == []
        assert await it.texts(query="?search=cat", room="chat:live/dog") == []


@in_virtual_time
async def test_pages_of_a_search_are_stable_while_messages_arrive(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        for number in range(5):
            await it.say("ann", f"cat {number}")
            await it.say("operator", f"dog {number}")
        first = await it.page("operator", "?search=cat&limit=2")
        await it.say("ann", "cat 5")
        older = await it.page("operator", f"?search=cat&limit=2&cursor={first['older']}")
        last = await it.page("operator", f"?search=cat&limit=2&cursor={older['older']}")
        newer = await it.page("operator", f"?search=cat&limit=2&cursor={first['newer']}")
        texts = [[one["text"] for one in page["messages"]] for page in (last, older, first, newer)]
        assert texts == [["cat 0"], ["cat 1", "cat 2"], ["cat 3", "cat 4"], ["cat 5"]]
        assert last["older"] is None


@in_virtual_time
async def test_a_search_is_bounded_by_time(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        sent = []
        for number in range(4):
            sent.append((await it.say("ann", f"cat {number}"))["sent_at"])
            await trio.sleep(10)
        between = query(search="cat", after_time=sent[1], before_time=sent[3])
        assert await it.texts("operator", between) == ["cat 1", "cat 2"]
        late = "2100-01-01T00:00:00Z"
        assert await it.texts("operator", query(search="cat", after_time=late)) == []
        assert len(await it.texts("operator", query(search="cat", before_time=late))) == 4


@in_virtual_time
async def test_what_is_edited_is_found_anew_and_what_is_deleted_never(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        said = await it.say("ann", "old words")
        target = path(ROOM, "messages", said["id"])
        assert await it.status("ann", "PATCH", target, {"text": "new words"}) == 200
        assert await it.texts("operator", "?search=old") == []
        assert await it.texts("operator", "?search=new") == ["new words"]
        assert await it.status("ann", "DELETE", target) == 204
        for parameters in ("?search=new", "?search=words", "?author=ann"):
            assert await it.texts("operator", parameters) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"search": ""},
        {"search": "x" * 201},
        {"author": "a" * 256},
        {"search": "cat", "cursor": "tampered"},
        {"search": "cat", "after_time": "' OR 1=1 --"},
        {"before_ms": "1"},
        {"session": "s"},
        {"session": "s", "from_ms": "0", "to_ms": "0"},
        {"session": "s", "from_ms": "0", "to_ms": "600001"},
        {"session": "s", "from_ms": "0", "to_ms": "1", "cursor": "tampered"},
    ],
)
@in_virtual_time
async def test_what_cannot_be_asked_for_is_refused(
    parameters: dict[str, str], tmp_path: Path
) -> None:
    async with people(tmp_path) as it:
        assert await refused(it, **parameters) == "page-not-possible"


@in_virtual_time
async def test_nobody_searches_without_end(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        answers = [await it.ask("ann", "GET", path(ROOM, "messages") + "?search=cat")]
        while answers[-1].status == 200:
            answers.append(await it.ask("ann", "GET", path(ROOM, "messages") + "?search=cat"))
        assert answers[-1].status == 429
        assert 5 < len(answers) < 100
        assert answers[-1].headers["retry-after"]
        # Pages are read as ever, and others are not held up.
        assert await it.status("ann", "GET", path(ROOM, "messages")) == 200
        assert await it.texts("bob", "?search=cat") == []


@pytest.mark.parametrize("who", WHO)
@in_virtual_time
async def test_whoever_may_read_a_room_may_search_it_and_nobody_else(
    who: str, tmp_path: Path
) -> None:
    async with people(tmp_path) as it:
        club = {"title": "The club"}
        assert await it.status("operator", "PUT", path(CLUB), club) == 201
        readers = {ROOM: WHO, DIRECT: ("ann", "bob", "operator"), CLUB: ("mia", "operator")}
        for room, may in readers.items():
            for parameters in ("?search=cat", "?author=ann", "?session=s&from_ms=0&to_ms=9"):
                status = await it.status(who, "GET", path(room, "messages") + parameters)
                expected = 200 if who in may else 401 if who == "nobody" else 403
                assert status == expected, (room, parameters)


@attrs.define(eq=False)
class Programme:
    """Somebody publishes real pictures, one every 40 ms, with the times of the encoder."""

    it: People
    media_ms: int = 0
    """Where the picture stands."""
    _sent_ms: int = 0

    async def begin(self) -> Peer:
        """Connect, and show the first picture."""
        peer = await self.it.here.say("rtmp", HELLO + publish_bytes("cat"))
        await peer.hear_until(b"NetStream.Publish.Start")
        self._sent_ms = 0
        await peer.say(CONFIGURATIONS + self._packets())
        return peer

    async def go_on(self, peer: Peer, ms: int) -> None:
        """Show pictures for a while."""
        for _ in range(ms // FRAME_MS):
            await trio.sleep(FRAME_MS / 1000)
            self._sent_ms += FRAME_MS
            self.media_ms += FRAME_MS
            await peer.say(self._packets())

    def _packets(self) -> bytes:
        time = self._sent_ms
        return tag_bytes(Kind.VIDEO, time, PICTURE) + tag_bytes(Kind.AUDIO, time, SOUND)


_PACKETS = source_packets()
_PICTURE = next(data for kind, _, data in _PACKETS[2:] if kind is Kind.VIDEO)
PICTURE = _PICTURE[:2] + bytes(3) + _PICTURE[5:]
"""A keyframe that is shown when it is decoded."""
SOUND = next(data for kind, _, data in _PACKETS[2:] if kind is Kind.AUDIO)


@in_virtual_time
async def test_a_replay_finds_each_message_where_the_picture_stood(tmp_path: Path) -> None:
    async with people(tmp_path, publish="open") as it:
        programme = Programme(it)
        said: dict[str, int] = {}

        async def talk(peer: Peer, seconds: int) -> None:
            for _ in range(seconds):
                await programme.go_on(peer, 1000)
                text = f"at {len(said)}"
                message = await it.say("operator", text)
                said[text] = programme.media_ms
            sessions.add(message["session"])

        sessions = set[str]()
        peer = await programme.begin()
        await talk(peer, 30)
        peer.close()
        # The encoder is away for a while, and people go on talking; the picture stands.
        await trio.sleep(5)
        said["meanwhile"] = programme.media_ms
        await it.say("operator", "meanwhile")
        peer = await programme.begin()
        await talk(peer, 30)
        (session,) = sessions
        found: dict[str, int] = {}
        for start in range(0, 80_000, 10_000):
            answer = await piece(it, session=session, from_ms=start, to_ms=start + 10_000)
            value = json.loads(answer.body)
            check("/messages", "get", "200", value)
            for one in value["messages"]:
                assert start <= one["media_ms"] < start + 10_000
                assert one["text"] not in found
                found[one["text"]] = one["media_ms"]
        assert found.keys() == said.keys()
        assert len(found) == 61
        assert max(abs(found[text] - said[text]) for text in said) <= 50
        page = await it.page("operator", query(session=session, after_ms=30_500, limit=2))
        assert page["messages"][0]["media_ms"] >= 30_500
        page = await it.page("operator", query(session=session, before_ms=2500, limit=9))
        assert [one["text"] for one in page["messages"]] == ["at 0", "at 1"]
        peer.close()


@in_virtual_time
async def test_caches_keep_a_piece_once_nothing_more_is_said_in_it(tmp_path: Path) -> None:
    async with people(tmp_path, publish="open") as it:
        programme = Programme(it)
        peer = await programme.begin()
        await programme.go_on(peer, 400)
        said = await it.say("ann", "hello")
        whole = {"session": said["session"], "from_ms": 0, "to_ms": 1000}
        answer = await piece(it, **whole)
        assert answer.headers["cache-control"] == "public, no-cache"
        assert not json.loads(answer.body)["closed"]
        assert (await piece(it, etag=answer.headers["etag"], **whole)).status == 304
        await programme.go_on(peer, 1000 + CLOSED_AFTER_MS)
        closed = await piece(it, **whole)
        kept = f"public, max-age={FRESH_S}, must-revalidate"
        assert closed.headers["cache-control"] == kept
        assert closed.headers["access-control-allow-origin"] == "*"
        value = json.loads(closed.body)
        assert value["closed"]
        assert [one["text"] for one in value["messages"]] == ["hello"]
        # What is deleted is gone for each cache that asks again.
        tag = closed.headers["etag"]
        assert (await piece(it, etag=tag, **whole)).status == 304
        await it.status("ann", "DELETE", path(ROOM, "messages", said["id"]))
        again = await piece(it, etag=tag, **whole)
        assert again.status == 200
        assert again.headers["etag"] != tag
        (left,) = json.loads(again.body)["messages"]
        assert (left["text"], left["deleted"]["by"]) == (None, "author")
        assert "reactions" not in left
        peer.close()


@in_virtual_time
async def test_a_piece_that_is_too_large_goes_on_by_a_cursor(tmp_path: Path) -> None:
    async with people(tmp_path, publish="open") as it:
        peer = await it.here.publish()
        for number in range(0, CHUNK + 10, 10):
            batch = [{"text": f"{number + n}"} for n in range(10)]
            method = "POST" if number else "PUT"
            target = f"/v1/stream/{ROOM}"
            assert await it.status("operator", method, target, batch) in (201, 204)
        (newest,) = (await it.page("operator", "?limit=1"))["messages"]
        whole = {"session": newest["session"], "from_ms": 0, "to_ms": 600_000}
        first = json.loads((await piece(it, **whole)).body)
        rest = json.loads((await piece(it, cursor=first["next"], **whole)).body)
        assert rest["next"] is None
        texts = [one["text"] for part in (first, rest) for one in part["messages"]]
        assert texts == [f"{number}" for number in range(CHUNK + 10)]
        stranger = {**whole, "cursor": first["next"]}
        other = path("chat:live/dog", "messages") + query(**stranger)
        assert await it.refusal("operator", "GET", other) == "page-not-possible"
        peer.close()


@in_virtual_time
async def test_a_piece_of_a_private_room_is_for_no_cache_that_others_use(tmp_path: Path) -> None:
    async with people(tmp_path) as it:
        target = path(DIRECT, "messages") + query(session="s", from_ms=0, to_ms=9)
        answer = await it.ask("ann", "GET", target)
        assert answer.headers["cache-control"].startswith("private, ")
        assert "access-control-allow-origin" not in answer.headers
