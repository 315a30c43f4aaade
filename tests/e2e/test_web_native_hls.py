"""A browser that plays HLS by itself, and lets no page feed a video: an older iPhone is one."""

from pathlib import Path

import trio
from support import ffmpeg, media
from support.browser import Page, browsing
from support.server import serving

WITHOUT_MSE = "delete window.MediaSource; delete window.ManagedMediaSource;"
GOPS = "-c:v libx264 -preset veryfast -bf 2 -g 30 -pix_fmt yuv420p"


async def open_without_mse(page: Page, url: str) -> None:
    await page.call("Page.addScriptToEvaluateOnNewDocument", source=WITHOUT_MSE)
    await page.open(url)


async def test_the_page_waits_for_a_stream_and_plays_it(chromium: str, tmp_path: Path) -> None:
    source = tmp_path / "source.flv"
    await trio.Path(source).write_bytes(media.flv_file(4, video=GOPS))
    async with (
        serving(tmp_path / "data") as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):
        host, port = server.addresses["http"]
        page = await browser.open_page("about:blank")
        await open_without_mse(page, f"http://{host}:{port}/watch/live/cat")
        assert await page.evaluate("typeof MediaSource") == "undefined"
        await page.wait_phase("waiting")
        await ffmpeg.start(nursery, ffmpeg.copying(source, server.url("cat"), loop=True))
        await page.wait_playing(30)
        facts = await page.facts()
        assert (facts["state"], facts["size"]) == ("live", [320, 180])
        assert await page.evaluate("document.querySelector('.rewind').hidden")
        asked = [request for request in page.requests if ".mp4" in request]
        assert any("/hls/" in request for request in page.requests)
        assert not [request for request in asked if request.startswith("ws")]
        await page.press("k")
        await page.wait_phase("paused")
        await page.press("k")
        await page.wait_playing()
        nursery.cancel_scope.cancel()
