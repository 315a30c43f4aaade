"""`POST /api/v1/streams/APP/NAME/metadata`: who may, what, and how often."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support.hostile import (
    HELLO,
    MP4_WS,
    TAGS,
    Peer,
    Site,
    publish_bytes,
    site,
)
from support.http_client import Answer, request_bytes
from support.memory import in_virtual_time
from support.rtmp_bytes import basic, chunk, in_chunks
from support.tokens import token

from relay.formats import amf0
from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key, issue_stream_key

CAT = "/api/v1/streams/live/cat/metadata"
WHEN = "2026-01-01T00:00:00Z"
DEEP = b'{"name":"onTextData","value":%b}'
GOAL = {"name": "onTextData", "value": {"text": "goal"}}


@attrs.define(eq=False)
class Studio:
    """`live/cat` is ann's."""

    here: Site
    key: str
    shown: dict[str, str]

    async def publish(self) -> Peer:
        peer = await self.here.say("rtmp", HELLO + publish_bytes(self.key))
        await peer.hear_until(b"NetStream.Publish.Start")
        await peer.say(b"".join(TAGS))
        await trio.testing.wait_all_tasks_blocked()
        return peer

    async def watch(self) -> Peer:
        """A page, which has heard all that was there."""
        peer = await self.here.say("http", MP4_WS)
        await peer.hear_until(b'"live"')
        return peer

    async def tell(self, who: str, value: Any, target: str = CAT) -> Answer:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        fields = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        if who in self.shown:
            fields.append(("Authorization", f"Bearer {self.shown[who]}"))
        peer = await self.here.connect()
        answer = await peer.ask(request_bytes("POST", target, *fields, body=body))
        peer.close()
        return answer


@asynccontextmanager
async def studio(data: Path) -> AsyncIterator[Studio]:
    key, cat = issue_stream_key(b"1" * 32, "live/cat", created=WHEN, owner="ann")
    operator, api_key = issue_api_key(b"3" * 32, "ci", created=WHEN)
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(publish=(cat,), api=(api_key,)))
    shown = {
        "guest": token(data, sub="guest_1", role="guest"),
        "other": token(data, sub="bob"),
        "owner": token(data, sub="ann"),
        "operator": operator,
    }
    async with site(data, publish="key") as here:
        yield Studio(here, key, shown)


def type_of(answer: Answer) -> str:
    return str(json.loads(answer.body)["type"]).removeprefix("/problems/")


@in_virtual_time
async def test_its_owner_and_the_operator_tell_every_viewer(tmp_path: Path) -> None:
    async with studio(tmp_path) as made:
        await made.publish()
        page = await made.watch()
        for who in ("owner", "operator"):
            answer = await made.tell(who, {**GOAL, "value": {"by": who}})
            assert answer.status == 200
            media_ms = json.loads(answer.body)["media_ms"]
            heard = await page.hear_until(f'{{"by":"{who}"}}'.encode())
            assert b'"type":"metadata","name":"onTextData","media_ms":%d,' % media_ms in heard


@pytest.mark.parametrize(
    ("who", "status"), [("nobody", 401), ("guest", 403), ("other", 403), ("owner", 200)]
)
@in_virtual_time
async def test_nobody_else_may(who: str, status: int, tmp_path: Path) -> None:
    async with studio(tmp_path) as made:
        await made.publish()
        assert (await made.tell(who, GOAL)).status == status


@in_virtual_time
async def test_without_a_picture_there_is_no_moment_of_it(tmp_path: Path) -> None:
    async with studio(tmp_path) as made:
        answer = await made.tell("owner", GOAL)
        assert (answer.status, type_of(answer)) == (404, "not-published")
        publisher = await made.publish()
        assert (await made.tell("owner", GOAL)).status == 200
        publisher.close()
        await trio.sleep(1)
        assert type_of(await made.tell("owner", GOAL)) == "not-published"


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ({"name": "onTextData"}, "metadata-not-possible"),
        ({"value": 1}, "metadata-not-possible"),
        ({"name": 1, "value": 1}, "metadata-not-possible"),
        ({"name": "onMetaData", "value": 1}, "metadata-not-possible"),
        ({"name": "onRelay", "value": {"state": "ended"}}, "metadata-not-possible"),
        ({"name": "onTextData", "value": "x" * 20_000}, "metadata-not-possible"),
        (b'{"name":"onTextData","value":"\\ud800"}', "metadata-not-possible"),
        (
            b'{"name":"onTextData","value":' + b"[" * 500 + b"]" * 500 + b"}",
            "metadata-not-possible",
        ),
        (b'{"name":"onTextData","value":' + b"[" * 200_000, "not-json"),
        (b"[]", "not-json"),
    ],
)
@in_virtual_time
async def test_what_cannot_be_said_is_told_why(value: Any, cause: str, tmp_path: Path) -> None:
    async with studio(tmp_path) as made:
        await made.publish()
        assert type_of(await made.tell("owner", value)) == cause


@in_virtual_time
async def test_an_owner_says_so_much_and_is_told_how_much(tmp_path: Path) -> None:
    async with studio(tmp_path) as made:
        await made.publish()
        answers = [await made.tell("owner", GOAL) for _ in range(101)]
        assert [answer.status for answer in answers] == [200] * 100 + [429]
        assert answers[-1].headers["ratelimit-policy"] == '"metadata";q=100;w=10'
        assert type_of(answers[-1]) == "too-many-messages"
        assert (await made.tell("operator", GOAL)).status == 200


@in_virtual_time
async def test_a_publisher_tells_pages_but_speaks_for_no_server(tmp_path: Path) -> None:
    async with studio(tmp_path) as made:
        publisher = await made.publish()
        page, flv = await made.watch(), await made.here.say("http", FLV)
        await flv.hear_until(b"onRelay")
        forged = amf0.encode("onRelay", {"state": "forged"})
        for script in (forged, amf0.encode("onTextData", {"text": "hi"})):
            head = chunk(0, 6, time=0, length=len(script), type_id=18, stream_id=1)
            await publisher.say(in_chunks(128, head, script, basic(3, 6)))
        assert b'"value":{"text":"hi"}' in await page.hear_until(b'"hi"')
        assert b"forged" not in await flv.hear_until(b"hi")


FLV = request_bytes("GET", "/live/cat.flv")
