"""Feeds of a real server, pushed over real sockets to a real reader, and through `kill -9`."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import feedparser
import pytest
import trio
from support import ffmpeg, media
from support.http_client import Answer, read_answers, request_bytes
from support.real_reader import RealReader, real_reader
from support.server import ServerProcess, read_to_end, serving

SECRET = "a secret of the reader's"
SETTINGS = {
    "outbound.allow": "127.0.0.1/32",
    "outbound.allow_http": "true",
    "notify.stable_s": 0.5,
    "notify.grace_s": 0.5,
    "media.hold_s": 0.5,
    "http.public_url": "http://relay.example",
}
TOPIC = "http://relay.example/live/cat.atom"


@pytest.fixture
async def reader() -> AsyncIterator[RealReader]:
    async with real_reader() as reader:
        yield reader


async def subscribe(server: ServerProcess, reader: RealReader, **more: str) -> Answer:
    given = {"mode": "subscribe", "topic": TOPIC, "callback": reader.url, "secret": SECRET, **more}
    form = urlencode({f"hub.{name}": value for name, value in given.items()}).encode()
    fields = (
        ("Connection", "close"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(form))),
    )
    stream = await trio.open_tcp_stream(*server.addresses["http"])
    async with stream:
        await stream.send_all(request_bytes("POST", "/websub/hub", *fields, body=form))
        (answer,) = read_answers(await read_to_end(stream), "POST")
    return answer


async def publish(server: ServerProcess, folder: Path) -> None:
    """Be on air for three seconds, or as long as the server is."""
    source = folder / "source.flv"
    source.write_bytes(media.flv_file(3))
    await ffmpeg.run(ffmpeg.copying(source, server.url("cat")))


async def test_a_real_broadcast_is_pushed_to_a_reader_and_signed(
    tmp_path: Path, reader: RealReader
) -> None:
    async with serving(tmp_path, SETTINGS) as server:
        assert (await subscribe(server, reader)).status == 202
        await reader.wait(lambda it: len(it.asked) == 1)
        await publish(server, tmp_path)
        await reader.wait(lambda it: len(it.pushed) == 2)
        found = await server.ask("GET", "/live/cat.atom")
        await subscribe(server, reader, mode="unsubscribe")
        await reader.wait(lambda it: len(it.asked) == 2)
        await server.wait_metric("relay_websub_subscriptions", 0)
    assert [asked["hub.mode"] for asked in reader.asked] == ["subscribe", "unsubscribe"]
    for headers, body in reader.pushed:
        mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["x-hub-signature"] == f"sha256={mac}"
        assert headers["link"] == found.headers["link"]
    (_, online), (_, offline) = reader.pushed
    assert offline == found.body
    before, after = (feedparser.parse(body).entries[0] for body in (online, offline))
    assert (before.id, before.summary) == (after.id, "On air.")
    assert after.summary.startswith("Was on air for 1 min")


async def test_kill_9_forgets_neither_subscription_nor_what_is_to_be_pushed(
    tmp_path: Path, reader: RealReader
) -> None:
    async with serving(tmp_path, SETTINGS) as server:
        await subscribe(server, reader)
        await reader.wait(lambda it: len(it.asked) == 1)
        # The answer that would have settled it never comes.
        reader.at_push = server.process.kill
        await publish(server, tmp_path)
        assert await server.process.wait() == -9
    (first,) = reader.ids()
    async with serving(tmp_path, SETTINGS) as server:
        await reader.wait(lambda it: len(it.pushed) >= 3)
        assert len(reader.asked) == 1
    # The same once more, and then the end of what the crash has ended.
    assert reader.ids()[:2] == [first, first]
    assert reader.pushed[0][1] == reader.pushed[1][1]
    assert reader.ids()[2] != first
    assert first.encode() in reader.pushed[2][1]
