"""hls.js, which most sites play HLS with, plays a broadcast with low latency from another site."""

import json
from pathlib import Path

import pytest
import trio
from support import ffmpeg, media
from support.browser import another_site, browsing
from support.npm import package_file
from support.server import serving
from support.viewers import wait_live

pytestmark = pytest.mark.alone

PLAY = """(url => {
  const video = document.body.appendChild(document.createElement("video"));
  video.muted = true;
  window.errors = [];
  window.parts = 0;
  const player = window.player = new Hls({ lowLatencyMode: true, enableWorker: false });
  player.on(Hls.Events.ERROR, (_, error) => errors.push(`${error.type} ${error.details}`));
  player.on(Hls.Events.FRAG_LOADED, (_, loaded) => { parts += loaded.part ? 1 : 0; });
  player.loadSource(url);
  player.attachMedia(video);
  video.play();
})"""


async def test_hls_js_plays_parts_as_they_come(chromium: str, tmp_path: Path) -> None:
    script = await trio.to_thread.run_sync(package_file, "hls.js", "dist/hls.js")
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(4))
    async with (
        serving(tmp_path / "data") as server,
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
        facts = await page.facts()
        errors, parts = await page.evaluate("errors"), await page.evaluate("parts")
        latency_s = await page.evaluate("player.latency")
        nursery.cancel_scope.cancel()
    assert errors == []
    assert parts > 6
    assert facts["size"] == [320, 180]
    assert facts["audio_bytes"] > 0
    assert len(facts["ranges"]) == 1
    # Not a figure, but the proof that it plays at the live edge and not a few segments behind.
    assert latency_s < 3
