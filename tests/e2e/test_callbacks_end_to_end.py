"""A real server asks a real site, and ffmpeg is let in or told why not."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from standardwebhooks import Webhook
from support import ffmpeg, media
from support.http_client import request_bytes
from support.real_receiver import RealReceiver, real_receiver
from support.server import ServerProcess, serving

from relay.notify.callback_secrets import FILE_NAME

REFUSAL = b"HTTP/1.1 403 No\r\nContent-Length: 26\r\n\r\n" + b'{"reason": "members only"}'


@pytest.fixture
async def site() -> AsyncIterator[RealReceiver]:
    async with real_receiver() as site:
        yield site


def settings(site: RealReceiver) -> dict[str, object]:
    return {
        "outbound.allow": "127.0.0.1/32",
        "outbound.allow_http": "true",
        "on_publish.url": site.url,
        "on_play.url": site.url,
    }


async def watched(server: ServerProcess) -> bytes:
    """The beginning of what a viewer gets."""
    async with await trio.open_tcp_stream(*server.addresses["http"]) as stream:
        await stream.send_all(request_bytes("GET", "/live/cat.flv"))
        return bytes(await stream.receive_some())


def verified(server: ServerProcess, site: RealReceiver) -> list[str]:
    """What was asked, as a site sees it that believes nothing unsigned."""
    verifier = Webhook((server.data / FILE_NAME).read_text().strip())
    for headers, body in zip(site.headers, site.bodies, strict=True):
        assert verifier.verify(body, headers) == json.loads(body)
    return [question["action"] for question in site.events()]


async def test_a_real_encoder_and_a_real_viewer_are_let_in(
    tmp_path: Path, site: RealReceiver
) -> None:
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(2))
    async with serving(tmp_path, settings(site)) as server:
        run = await ffmpeg.run(ffmpeg.copying(source, server.url("cat")))
        assert run.code == 0
        status = await watched(server)
        assert b"200 OK" in status
        assert verified(server, site) == ["publish", "play"]


async def test_a_real_encoder_and_a_real_viewer_are_told_why_not(
    tmp_path: Path, site: RealReceiver
) -> None:
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(2))
    site.answer = REFUSAL
    async with serving(tmp_path, settings(site)) as server:
        run = await ffmpeg.run(ffmpeg.copying(source, server.url("cat")))
        assert run.code != 0
        assert "members only" in run.said
        status = await watched(server)
        assert b"403 Forbidden" in status
        assert verified(server, site) == ["publish", "play"]
