"""The pages around the picture: what they show, load and say, to whom, and on which screen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
from support import ffmpeg, media
from support.browser import PHONE, DevTools, Page, another_site, browsing
from support.server import ServerProcess, serving
from support.viewers import wait_live

PATHS = ("/", "/watch/live/cat", "/embed/live/cat?muted&autoplay", "/watch/live/nobody")
NAMED = {"button", "link", "slider", "Video", "DisclosureTriangle", "region", "textbox"}


@attrs.frozen
class Site:
    """A server with one live stream, and a browser to look at it."""

    server: ServerProcess
    browser: DevTools
    push: Callable[[str], Awaitable[trio.Process]]

    @property
    def origin(self) -> str:
        host, port = self.server.addresses["http"]
        return f"http://{host}:{port}"

    async def open(self, path: str) -> Page:
        return await self.browser.open_page(self.origin + path)


@asynccontextmanager
async def site_of(
    chromium: str, folder: Path, settings: dict[str, object] | None = None
) -> AsyncIterator[Site]:
    source = folder / "source.flv"
    await trio.Path(source).write_bytes(media.flv_file(4))
    async with (
        serving(folder / "data", settings) as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):

        async def push(name: str) -> trio.Process:
            command = ffmpeg.copying(source, server.url(name), loop=True)
            process = await ffmpeg.start(nursery, command)
            await wait_live(server.addresses["http"], name)
            return process

        await push("cat")
        yield Site(server, browser, push)
        nursery.cancel_scope.cancel()


async def test_the_front_page_shows_what_is_live_and_notices_what_changes(
    chromium: str, tmp_path: Path
) -> None:
    names = "[...document.querySelectorAll('.card h2')].map(each => each.textContent).join()"
    async with site_of(chromium, tmp_path, {"media.hold_s": 0.5}) as site:
        page = await site.open("/")
        await page.wait(f"{names} === 'cat'")
        assert await page.text("#status") == "1 stream"
        assert await page.text(".technique") != ""
        dog = await site.push("dog")
        await page.wait(f"{names} === 'cat,dog'")
        assert await page.text("#status") == "2 streams"
        dog.kill()
        await page.wait(f"{names} === 'cat'")
        await page.evaluate("document.querySelector('.card a').click()")
        await page.wait_playing()
        assert page.complaints == []


async def test_the_front_page_of_an_idle_server_says_where_encoders_connect(
    chromium: str, tmp_path: Path
) -> None:
    async with serving(tmp_path) as server, browsing(chromium) as browser:
        host, port = server.addresses["http"]
        page = await browser.open_page(f"http://{host}:{port}/")
        await page.wait("document.querySelector('#empty:not([hidden])')")
        # It listens on whatever port is free, which nobody can tell beforehand.
        assert await page.text("#server") == f"rtmp://{host}:PORT/live"
        assert page.complaints == []


async def test_pages_load_nothing_from_elsewhere_and_keep_to_their_policy(
    chromium: str, tmp_path: Path
) -> None:
    async with site_of(chromium, tmp_path) as site:
        own = (site.origin + "/", site.origin.replace("http", "ws") + "/", "blob:", "data:")
        for path in PATHS:
            page = await site.open(path)
            if "cat" in path:
                await page.wait_playing()
            assert page.complaints == [], path
            foreign = [address for address in page.requests if not address.startswith(own)]
            assert foreign == [], path


async def test_a_policy_stands_on_every_page(tmp_path: Path) -> None:
    settings = {"http.frame_ancestors": "https://a.example,https://b.example"}
    async with serving(tmp_path, settings) as server:
        policies = {}
        for path in PATHS:
            answer = await server.ask("GET", path)
            assert answer.status == 200
            policies[path] = dict(answer.headers)["content-security-policy"].split("; ")
    for path, policy in policies.items():
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy)
        framing = "https://a.example https://b.example" if "embed" in path else "'none'"
        assert f"frame-ancestors {framing}" in policy


@pytest.mark.parametrize("listed", [True, False])
async def test_only_listed_sites_may_frame_the_player(
    chromium: str, tmp_path: Path, *, listed: bool
) -> None:
    settings: dict[str, object] = {"http.frame_ancestors": "http://127.0.0.1:*"} if listed else {}
    async with site_of(chromium, tmp_path, settings) as site, trio.open_nursery() as nursery:
        page = await site.browser.open_page(await another_site(nursery))
        source = f"{site.origin}/embed/live/cat?muted&autoplay"
        await page.evaluate(
            f"document.body.appendChild(Object.assign(document.createElement('iframe'),"
            f" {{src: '{source}', allow: 'autoplay'}})) && 0"
        )
        socket = f"{site.origin.replace('http', 'ws')}/live/cat.mp4"
        with trio.fail_after(10):
            while not (page.complaints or socket in page.requests):  # noqa: ASYNC110  # another process
                await trio.sleep(0.02)
        assert (socket in page.requests) is listed
        assert any("frame-ancestors" in said for said in page.complaints) is not listed
        nursery.cancel_scope.cancel()


async def test_every_control_has_a_name(chromium: str, tmp_path: Path) -> None:
    async with site_of(chromium, tmp_path) as site:
        for path in PATHS[:3]:
            page = await site.open(path)
            await page.wait(
                "document.querySelector('.card a') || window.relayPlayer?.phase === 'playing'"
            )
            shown = await page.accessible()
            assert [role for role, name in shown if role in NAMED and not name] == [], path
            if path != "/":
                names = {name for role, name in shown if role == "button"}
                assert {"Pause", "Unmute", "Full screen", "Tap for sound"} <= names


async def test_the_keyboard_is_enough(chromium: str, tmp_path: Path) -> None:
    async with site_of(chromium, tmp_path) as site:
        page = await site.open("/watch/live/cat")
        await page.wait_playing()
        assert (await page.facts())["muted"]
        await page.press("m")
        await page.wait("!document.querySelector('video').muted")
        await page.press("k")
        await page.wait_phase("paused")
        await page.press(" ")
        await page.wait_playing()
        # The browser tells of a pause when it may be over: this is as quick as nobody's fingers.
        await page.evaluate("relayPlayer.pause(); relayPlayer.play()")
        await page.evaluate("new Promise((done) => setTimeout(done, 300))")
        await page.wait_playing()
        await page.press("f")
        await page.wait("document.fullscreenElement?.id === 'stage'")
        await page.press("f")
        await page.wait("!document.fullscreenElement")
        # The sound is remembered; where the browser forbids it, the picture plays all the same.
        await page.open(site.origin + "/watch/live/cat")
        assert await page.evaluate("JSON.parse(localStorage['relay.sound']).muted === false")
        await page.wait_playing()


async def test_what_is_waited_for_is_read_out(chromium: str, tmp_path: Path) -> None:
    async with site_of(chromium, tmp_path) as site:
        page = await site.open("/watch/live/nobody")
        await page.wait_phase("waiting")
        live = "document.querySelector('.notice [role=status][aria-live=polite]').innerText"
        assert "This page starts by itself." in await page.evaluate(live)


@pytest.mark.parametrize("path", PATHS)
async def test_a_phone_scrolls_in_one_direction_only(
    chromium: str, tmp_path: Path, path: str
) -> None:
    async with serving(tmp_path) as server, browsing(chromium) as browser:
        host, port = server.addresses["http"]
        page = await browser.open_page(f"http://{host}:{port}{path}", screen=PHONE)
        await page.wait("document.querySelector('#empty:not([hidden]), #stage video')")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
