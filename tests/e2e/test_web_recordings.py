"""A recording and a clip on their pages, in a real Chromium."""

import json
from pathlib import Path

from support import media
from support.browser import DevTools, Page, browsing
from support.recorded import RULES, SETTINGS, finished, operator, post, push
from support.server import ServerProcess, serving

TIME = "document.querySelector('video').currentTime"
PLAY = "document.querySelector('video').play()"


async def open_page(browser: DevTools, server: ServerProcess, page: str) -> Page:
    host, port = server.addresses["http"]
    opened = await browser.open_page(f"http://{host}:{port}{page}")
    await opened.wait("document.querySelector('video').readyState >= 1")
    return opened


async def seek_and_play(page: Page, to_s: float) -> None:
    await page.evaluate(f"document.querySelector('video').currentTime = {to_s}")
    await page.evaluate(PLAY, is_tap=True)
    await page.wait_advance(to_s + 0.3)


async def test_a_recording_and_a_clip_play_and_are_saved(chromium: str, tmp_path: Path) -> None:
    source = media.flv_file(8.0)
    key = operator(tmp_path)
    async with serving(tmp_path, SETTINGS, config=RULES) as server, browsing(chromium) as browser:
        await push(server, "cat", source)
        await push(server, "cat", media.flv_file(4.0, size="160x120"))
        recording = await finished(server, "cat")
        asked = {"from_ms": 1000, "to_ms": 3000}
        answer = await post(server, f"/api/v1/recordings/{recording['id']}/clips", asked, key)
        clip = json.loads(answer.body)

        page = await open_page(browser, server, clip["page"])
        duration = await page.evaluate("document.querySelector('video').duration")
        assert abs(duration - 2.0) < 0.1
        await seek_and_play(page, 1.2)
        assert page.complaints == []
        await page.close()

        page = await open_page(browser, server, recording["page"])
        assert len(recording["stretches"]) == 2
        await seek_and_play(page, 5.5)
        # Where the picture becomes another one it goes on by itself.
        await page.evaluate("document.querySelector('video').currentTime = 7.7")
        await page.wait("document.querySelector('video').videoWidth === 160")
        await page.wait_advance(0.3)
        assert await page.evaluate("relayRecording.time") > 8
        assert "0:12" in await page.text("#length")
        download = await page.evaluate("document.querySelector('#download').href")
        assert download.endswith("?download")
        assert page.complaints == []
