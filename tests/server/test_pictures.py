"""`/APP/NAME.jpg` of a whole server in memory, and where its address is told."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from support.asking import REFUSAL, URL, site_that
from support.decoding import MemoryDecoder
from support.hostile import CONFIGURATIONS, HELLO, TAGS, Site, publish_bytes, site
from support.http_client import Answer, request_bytes
from support.memory import in_virtual_time
from support.outside import answering
from support.rtmp_captures import source_packets

from relay.config import CallbackConfig, HttpConfig
from relay.packet import Kind
from relay.views.details import Details

OUR = HttpConfig(public_url="https://live.example")
SOUNDS = [tag for tag, (kind, *_) in zip(TAGS, source_packets(), strict=True) if kind is Kind.AUDIO]


async def get(here: Site, path: str = "/live/cat.jpg", *fields: Any, method: str = "GET") -> Answer:
    return await (await here.connect()).ask(request_bytes(method, path, *fields))


def type_of(answer: Answer) -> str:
    return str(json.loads(answer.body)["type"])


@in_virtual_time
async def test_a_picture_is_for_everybody_to_see_and_to_keep_for_a_moment(tmp_path: Path) -> None:
    async with site(tmp_path, pictures=MemoryDecoder()) as here:
        await here.publish()
        answer = await get(here)
        assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
        assert answer.body.startswith(b"a JPEG of")
        assert answer.headers["cache-control"] == "public, max-age=5"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        etag = answer.headers["etag"]
        unchanged = await get(here, "/live/cat.jpg", ("If-None-Match", etag))
        assert (unchanged.status, unchanged.body) == (304, b"")
        assert unchanged.headers["etag"] == etag
        head = await get(here, method="HEAD")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(answer.body))


@in_virtual_time
async def test_where_there_is_no_picture_the_answer_says_why(tmp_path: Path) -> None:
    decoder = MemoryDecoder(fails=True)
    async with site(tmp_path, pictures=decoder) as here:
        nobody = await get(here)
        assert nobody.status == 404
        assert b"nobody is live" in nobody.body
        await here.publish()
        failed = await get(here)
        assert (failed.status, failed.headers["retry-after"]) == (503, "5")
        assert type_of(failed) == "/problems/no-picture-now"
        peer = await here.say("rtmp", HELLO + publish_bytes("radio"))
        await peer.say(b"".join(SOUNDS))
        await trio.sleep(2)
        await peer.say(SOUNDS[-1])
        await trio.sleep(1)
        silent = await get(here, "/live/radio.jpg")
        assert silent.status == 404
        assert b"only sound" in silent.body
        peer = await here.say("rtmp", HELLO + publish_bytes("soon") + CONFIGURATIONS)
        await trio.sleep(1)
        assert (await get(here, "/live/soon.jpg")).status == 503
        assert len(decoder.asked) == 1


@in_virtual_time
async def test_a_server_without_the_extra_says_so_and_its_pages_do_without(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish()
        answer = await get(here)
        assert answer.status == 501
        assert type_of(answer) == "/problems/no-pictures-here"
        assert b'data-pictures="none"' in (await get(here, "/")).body


@in_virtual_time
async def test_pages_know_that_there_are_pictures(tmp_path: Path) -> None:
    async with site(tmp_path, pictures=MemoryDecoder()) as here:
        assert b'data-pictures="made"' in (await get(here, "/")).body


@in_virtual_time
async def test_who_may_not_watch_may_not_look_either(tmp_path: Path) -> None:
    outside, receiver = site_that(answering(403, body=REFUSAL), answering())
    decoder = MemoryDecoder()
    asked = CallbackConfig(url=URL)
    async with site(tmp_path, pictures=decoder, outside=outside, on_play=asked) as here:
        await here.publish()
        refused = await get(here)
        assert refused.status == 403
        assert type_of(refused) == "/problems/refused-by-site"
        assert decoder.asked == []
        allowed = await get(here, "/live/cat.jpg?ticket=abc")
        assert (allowed.status, allowed.headers["cache-control"]) == (200, "private, max-age=5")
        assert len(receiver.requests) == 2


@pytest.mark.parametrize(
    ("http", "on_play", "own", "picture"),
    [
        (OUR, None, None, "https://live.example/live/cat.jpg"),
        (OUR, None, "https://img.example/cat.png", "https://img.example/cat.png"),
        (HttpConfig(), None, None, None),
        (HttpConfig(public_url="http://live.example"), None, None, None),
        (OUR, CallbackConfig(url=URL), None, None),
        (
            OUR,
            CallbackConfig(url=URL, streams=("vip/*",)),
            None,
            "https://live.example/live/cat.jpg",
        ),
    ],
    ids=["ours", "the owner's", "no name", "no TLS", "private", "others are private"],
)
@in_virtual_time
async def test_notices_carry_the_address_of_a_picture_that_anybody_may_fetch(
    tmp_path: Path,
    http: HttpConfig,
    on_play: CallbackConfig | None,
    own: str | None,
    picture: str | None,
) -> None:
    async with site(tmp_path, http=http, on_play=on_play, pictures=MemoryDecoder()) as here:
        if own:
            said = Details(picture=own)
            await here.services.catalog.change("live/cat", lambda _: said)
        await here.publish()
        await trio.sleep(5)
        feed = await get(here, "/live/cat.atom")
        shown = f'<media:thumbnail url="{picture}" />'.encode()
        assert (shown in feed.body) is (picture is not None)
        assert feed.body.count(b"<media:thumbnail") == (picture is not None)
