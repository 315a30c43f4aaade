"""A recording and a clip on their pages, in a real Chromium."""

import json
from pathlib import Path

import trio
from support import media
from support.browser import DevTools, Page, browsing
from support.publishing import publish
from support.recorded import RULES, SETTINGS, finished, operator, post
from support.server import ServerProcess, serving
from support.tokens import token

SECONDS = 8.0
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


async def push_and_say(server: ServerProcess, text: str, bearer: str) -> None:
    """Push, say something in the chat when that has been shown, and push another picture."""
    encoder = await publish(server.addresses["rtmp"], "cat")
    await encoder.send_tags(media.tags(media.flv_file(SECONDS)))
    await server.wait_log("broadcast live", stream="live/cat")
    await trio.sleep(0.3)
    said = ("Authorization", f"Bearer {bearer}")
    room = "/api/v1/rooms/chat:live%2Fcat/messages"
    answer = await post(server, room, {"text": text}, said)
    assert answer.status == 201, answer
    other = media.tags(media.flv_file(4.0, size="160x120"))
    await encoder.send_tags(other, shift_ms=round(SECONDS * 1000))
    await encoder.stop()


async def test_a_recording_and_a_clip_play_and_are_saved(chromium: str, tmp_path: Path) -> None:
    key = operator(tmp_path)
    async with serving(tmp_path, SETTINGS, config=RULES) as server, browsing(chromium) as browser:
        await push_and_say(server, "What a cat!", token(tmp_path, sub="ann", name="Ann"))
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
        # It was said when the first part had just been shown.
        await page.wait("document.querySelector('#messages li')")
        assert await page.text("#messages") == "Ann What a cat!"
        assert "0:12" in await page.text("#length")
        download = await page.evaluate("document.querySelector('#download').href")
        assert download.endswith("?download")
        assert page.complaints == []
