"""mpegts.js, which sites already use for FLV, plays both FLV outputs from a page elsewhere."""

import json
from pathlib import Path

import pytest
import trio
from support import ffmpeg, media
from support.browser import another_site, browsing
from support.npm import package_file
from support.server import serving
from support.viewers import wait_live

PLAY = """(url => {
  const video = document.body.appendChild(document.createElement("video"));
  video.muted = true;
  window.errors = [];
  const source = { type: "flv", isLive: true, url };
  const player = mpegts.createPlayer(source, { enableWorker: false, enableStashBuffer: false });
  player.on(mpegts.Events.ERROR, (...error) => errors.push(JSON.stringify(error)));
  player.attachMediaElement(video);
  player.load();
  player.play();
})"""


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_mpegts_js_plays_flv(chromium: str, tmp_path: Path, scheme: str) -> None:
    script = await trio.to_thread.run_sync(package_file, "mpegts.js", "dist/mpegts.js")
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(4))
    async with (
        serving(tmp_path / "data") as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):
        await ffmpeg.start(nursery, ffmpeg.copying(source, server.url("cat"), loop=True))
        await wait_live(server.addresses["http"], "cat")
        # Another origin than the server's: media are for everybody.
        page = await browser.open_page(await another_site(nursery))
        await page.evaluate(script)
        host, port = server.addresses["http"]
        url = f"{scheme}://{host}:{port}/live/cat.flv"
        await page.evaluate(f"{PLAY}({json.dumps(url)})")
        # Through the loop of the file, where its timestamps go on but its GOP starts anew.
        await page.wait("document.querySelector('video').currentTime > 5")
        facts = await page.facts()
        errors = await page.evaluate("errors")
        nursery.cancel_scope.cancel()
    assert errors == []
    assert facts["size"] == [320, 180]
    assert facts["audio_bytes"] > 0
    assert len(facts["ranges"]) == 1
