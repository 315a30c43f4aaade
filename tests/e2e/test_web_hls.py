"""hls.js, which most sites play HLS with, plays a broadcast with low latency from another site."""

import json
from pathlib import Path

import pytest
import trio
from support import ffmpeg, media
from support.browser import another_site, browsing
from support.http_client import read_answers, request_bytes
from support.npm import package_file
from support.server import ServerProcess, read_to_end, serving
from support.viewers import wait_live

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key

pytestmark = pytest.mark.alone

PLAY = """(url => {
  const video = document.body.appendChild(document.createElement("video"));
  video.muted = true;
  window.errors = [];
  window.parts = 0;
  const player = window.player = new Hls({ lowLatencyMode: true, enableWorker: false });
  player.on(Hls.Events.ERROR, (_, error) => errors.push(`${error.type} ${error.details}`));
  window.tags = [];
  player.on(Hls.Events.FRAG_PARSING_METADATA, (_, parsed) => {
    for (const {type, pts, data} of parsed.samples) {
      tags.push({type, pts, text: new TextDecoder().decode(data)});
    }
  });
  player.on(Hls.Events.FRAG_LOADED, (_, loaded) => { parts += loaded.part ? 1 : 0; });
  player.loadSource(url);
  player.attachMedia(video);
  video.play();
})"""


async def test_hls_js_plays_parts_as_they_come(chromium: str, tmp_path: Path) -> None:
    script = await trio.to_thread.run_sync(package_file, "hls.js", "dist/hls.js")
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(4))
    operator, api_key = issue_api_key(b"3" * 32, "ci", created="2026-01-01T00:00:00Z")
    data = tmp_path / "data"
    data.mkdir()
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(api=(api_key,)))
    async with (
        serving(data) as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):
        await ffmpeg.start(nursery, ffmpeg.copying(source, server.url("cat"), loop=True))
        await wait_live(server.addresses["http"], "cat")
        page = await browser.open_page(await another_site(nursery))
        await page.evaluate(script)
        host, port = server.addresses["http"]
        await page.evaluate(f"{PLAY}({json.dumps(f'http://{host}:{port}/live/cat.m3u8')})")
        # Through the loop of the file, where its timestamps go on but its GOP starts anew.
        await page.wait("document.querySelector('video').currentTime > 5")
        media_ms = await say(server, operator, {"goal": 1})
        await page.wait("tags.length > 0")
        tags = await page.evaluate("tags")
        facts = await page.facts()
        errors, parts = await page.evaluate("errors"), await page.evaluate("parts")
        latency_s = await page.evaluate("player.latency")
        nursery.cancel_scope.cancel()
    assert errors == []
    assert parts > 6
    assert facts["size"] == [320, 180]
    assert facts["audio_bytes"] > 0
    assert len(facts["ranges"]) == 1
    (tag,) = tags
    assert tag["type"] == "https://aomedia.org/emsg/ID3"
    assert tag["text"].endswith('onCuePoint\0{"goal":1}')
    assert tag["pts"] == pytest.approx(media_ms / 1000, abs=0.1)
    # Not a figure, but the proof that it plays at the live edge and not a few segments behind.
    assert latency_s < 3


async def say(server: ServerProcess, operator: str, value: dict[str, int]) -> int:
    """Say something at this moment of the picture; when that is, in media time."""
    body = json.dumps({"name": "onCuePoint", "value": value}).encode()
    fields = (
        ("Authorization", f"Bearer {operator}"),
        ("Connection", "close"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    )
    target = "/api/v1/streams/live/cat/metadata"
    stream = await trio.open_tcp_stream(*server.addresses["http"])
    async with stream:
        await stream.send_all(request_bytes("POST", target, *fields, body=body))
        (answer,) = read_answers(await read_to_end(stream), "POST")
    assert answer.status == 200, answer.body
    return int(json.loads(answer.body)["media_ms"])
