"""The front page as a live view, in Chromium: nothing is ever reloaded, and elements stay."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio
from support import ffmpeg, media
from support.browser import PHONE, DevTools, Page, browsing
from support.http_client import read_answers, request_bytes
from support.server import ServerProcess, serving
from support.viewers import open_viewer, wait_live

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key

TITLES = "[...document.querySelectorAll('.card h2')].map(each => each.textContent).join('|')"


@attrs.frozen
class Site:
    """A server, a browser, and the operator's key."""

    server: ServerProcess
    browser: DevTools
    key: str
    push: Callable[[str], Awaitable[trio.Process]]

    async def open(self, path: str = "/", **how: Any) -> Page:
        host, port = self.server.addresses["http"]
        return await self.browser.open_page(f"http://{host}:{port}{path}", **how)

    async def say(self, name: str, **details: Any) -> None:
        """Edit what is said of a stream, as the operator."""
        body = json.dumps(details).encode()
        request = request_bytes(
            "PATCH",
            f"/api/v1/streams/live/{name}",
            ("Authorization", f"Bearer {self.key}"),
            ("Content-Type", "application/merge-patch+json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            body=body,
        )
        stream = await trio.open_tcp_stream(*self.server.addresses["http"])
        async with stream:
            await stream.send_all(request)
            answer = b"".join([data async for data in stream])
        (read,) = read_answers(answer, "PATCH")
        assert read.status == 200, read


@asynccontextmanager
async def site(chromium: str, folder: Path) -> AsyncIterator[Site]:
    source, data = folder / "source.flv", folder / "data"
    await trio.Path(source).write_bytes(media.flv_file(4))
    await trio.Path(data).mkdir()
    text, key = issue_api_key(b"k" * 32, "test", created="2026-01-01T00:00:00Z")
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(api=(key,)))
    async with (
        serving(data, {"media.hold_s": 0.5}) as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):

        async def push(name: str) -> trio.Process:
            command = ffmpeg.copying(source, server.url(name), loop=True)
            process = await ffmpeg.start(nursery, command)
            await wait_live(server.addresses["http"], name)
            return process

        yield Site(server, browser, text, push)
        nursery.cancel_scope.cancel()


async def search(page: Page, text: str) -> None:
    """Type into the search field, as far as the page can tell."""
    await page.evaluate(
        f"(input => {{ input.value = {json.dumps(text)};"
        " input.dispatchEvent(new Event('input', {bubbles: true})); })"
        "(document.querySelector('#title'))"
    )


async def test_titles_order_and_visibility_change_while_one_looks(
    chromium: str, tmp_path: Path
) -> None:
    async with site(chromium, tmp_path) as here:
        await here.push("a")
        await here.push("b")
        page, watching = await here.open(), await here.open("/watch/live/a")
        await page.wait(f"{TITLES} === 'a|b' || {TITLES} === 'b|a'")
        await page.wait("document.querySelector('.card .picture')?.naturalWidth === 320")
        await page.evaluate(
            "(window.first = [...document.querySelectorAll('.card')]"
            ".find(card => card.querySelector('h2').textContent === 'a')) && 0"
        )
        await here.say("a", title="Zwei <b>Kätzchen</b>", category="Tiere")
        await page.wait(f"{TITLES}.includes('Zwei <b>Kätzchen</b>')")
        assert await page.text(".who:not(:empty)") == "a"
        assert await page.text(".category:not(:empty)") == "Tiere"
        await watching.wait("document.querySelector('#title').textContent.startsWith('Zwei')")
        assert await watching.text("#of") == "a · Tiere"
        await watching.wait("document.title.endsWith('Zwei <b>Kätzchen</b> · Relay')")
        # Who watches b and nobody else moves its card to the front, and it is the same card.
        await watching.close()
        viewer = await open_viewer(here.server.addresses["http"], "b", "flv")
        await page.wait(f"{TITLES} === 'b|Zwei <b>Kätzchen</b>'")
        assert await page.evaluate("window.first === document.querySelectorAll('.card')[1]")
        await viewer.leave()
        await here.say("b", visibility="unlisted")
        await page.wait(f"{TITLES} === 'Zwei <b>Kätzchen</b>'")
        assert await page.text("#status") == "1 stream"
        await here.say("b", visibility="public")
        await page.wait("document.querySelectorAll('.card').length === 2")
        assert page.complaints == []


async def test_a_search_finds_titles_and_notices_what_comes_and_goes(
    chromium: str, tmp_path: Path
) -> None:
    async with site(chromium, tmp_path) as here:
        await here.say("a", title="Café Ljubljana (live!)")
        await here.push("a")
        await here.push("b")
        page = await here.open(screen=PHONE)
        await page.wait("document.querySelectorAll('.card').length === 2")
        await search(page, "CAFE ljub")
        await page.wait(f"{TITLES} === 'Café Ljubljana (live!)'")
        await here.say("b", title="Another café, in Ljubljana: cafe ljub")
        await page.wait("document.querySelectorAll('.card').length === 2")
        await search(page, "(live!)")
        await page.wait(f"{TITLES} === 'Café Ljubljana (live!)'")
        for nowhere in ("no such title", "\u0301"):
            await search(page, nowhere)
            said = "document.querySelector('#nothing:not([hidden])')?.textContent"
            await page.wait(f"{said}?.includes({json.dumps(nowhere)})")
        await search(page, "")
        await page.wait("document.querySelectorAll('.card').length === 2")
        await page.evaluate("document.querySelector('[value=recent]').click()")
        await page.wait(f"{TITLES}.startsWith('Another')")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        assert page.complaints == []


async def test_the_page_finds_its_way_back_to_a_server_that_was_gone(
    chromium: str, tmp_path: Path
) -> None:
    async with site(chromium, tmp_path) as here:
        await here.push("a")
        page = await here.open()
        await page.wait(f"{TITLES} === 'a'")
        offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        await page.call("Network.emulateNetworkConditions", **offline)
        await page.wait("document.querySelector('#status').textContent === 'You are offline.'")
        await here.push("b")
        await page.call("Network.emulateNetworkConditions", **{**offline, "offline": False})
        await page.wait("document.querySelectorAll('.card').length === 2")
        assert await page.text("#status") == "2 streams"
