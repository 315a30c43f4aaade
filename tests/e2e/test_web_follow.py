"""The Follow button on the watch page: for guests and users, by click and by keyboard."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
from support.browser import DevTools, Page, browsing
from support.server import ServerProcess, serving
from support.tokens import token

COUNT = "/api/v1/streams/live/cat/followers/count"
TOLD = """
window.told = [];
for (const name of ["relay:identified", "relay:followed"])
  document.addEventListener(name, ({ detail: { user, token } }) => {
    told.push([name, user.slice(0, 6), token.length > 20]);
  });
"""
FOLLOWED = "document.querySelector('#follow')?.ariaPressed === 'true'"
NOT_FOLLOWED = "document.querySelector('#follow:not([hidden])')?.ariaPressed === 'false'"
GUEST = """fetch("/api/v1/guests", {
  method: "POST", headers: { "Content-Type": "application/json" }, body: '{"name": "Eve"}',
}).then(({ status }) => status)"""
CLICK = "document.querySelector('#follow').click()"


@attrs.frozen
class Site:
    """A server on which nobody is live, and a browser: who waits for a stream follows it."""

    server: ServerProcess
    browser: DevTools

    async def open(self, fragment: str = "") -> Page:
        host, port = self.server.addresses["http"]
        return await self.browser.open_page(f"http://{host}:{port}/watch/live/cat{fragment}")

    async def count(self) -> int:
        answer = await self.server.ask("GET", COUNT)
        return int(json.loads(answer.body)["count"])


@asynccontextmanager
async def site(
    chromium: str, data: Path, settings: dict[str, object] | None = None
) -> AsyncIterator[Site]:
    async with serving(data, settings) as server, browsing(chromium) as browser:
        yield Site(server, browser)


async def shown(page: Page) -> tuple[str, str]:
    """What button and count say to the eye."""
    script = "['#follow', '#followers'].map(each => document.querySelector(each).innerText.trim())"
    button, count = await page.evaluate(script)
    return button, count


async def reload(page: Page) -> None:
    await page.open(await page.evaluate("location.href"))


async def roles(page: Page) -> list[tuple[str, str]]:
    return [(role, name) for role, name in await page.accessible() if role == "button"]


async def test_a_guest_follows_and_is_known_again(chromium: str, tmp_path: Path) -> None:
    async with site(chromium, tmp_path) as here:
        page = await here.open()
        await page.wait(NOT_FOLLOWED)
        assert await shown(page) == ("Follow", "No followers yet")
        assert not await page.evaluate("localStorage.getItem('relay.guest')"), (
            "looking made a guest"
        )
        await page.evaluate(TOLD)
        await page.evaluate(CLICK, is_tap=True)
        await page.wait(FOLLOWED)
        assert await shown(page) == ("Following", "1 follower")
        assert await here.count() == 1
        assert await page.evaluate("told") == [["relay:followed", "guest_", True]]
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=TOLD)
        await reload(page)
        await page.wait(FOLLOWED)
        await page.wait("told.length")
        assert await page.evaluate("told") == [["relay:identified", "guest_", True]]
        assert await shown(page) == ("Following", "1 follower")
        # Whoever listens to the page only knows "Follow", and whether it is pressed.
        assert ("button", "Follow") in await roles(page)
        await page.evaluate("document.querySelector('#follow').focus()")
        await page.press(" ")
        await page.wait(NOT_FOLLOWED)
        assert await shown(page) == ("Follow", "No followers yet")
        assert await here.count() == 0
        assert page.complaints == []


async def test_a_user_comes_with_the_address_and_leaves_nothing_in_it(
    chromium: str, tmp_path: Path
) -> None:
    async with site(chromium, tmp_path) as here:
        page = await here.open(f"#token={token(tmp_path, sub='ann')}")
        await page.wait(NOT_FOLLOWED)
        assert await page.evaluate("location.hash") == ""
        await page.evaluate(CLICK, is_tap=True)
        await page.wait(FOLLOWED)
        await reload(page)
        await page.wait(FOLLOWED)
        assert not await page.evaluate("localStorage.getItem('relay.guest')")
        other = await here.open()
        await other.wait(NOT_FOLLOWED)
        assert await shown(other) == ("Follow", "1 follower")


async def test_a_token_that_is_not_good_makes_a_guest(chromium: str, tmp_path: Path) -> None:
    async with site(chromium, tmp_path) as here:
        page = await here.open("#token=e30.eyJzdWIiOiJhbm4ifQ.c2ln")
        await page.wait(NOT_FOLLOWED)
        await page.evaluate(CLICK, is_tap=True)
        await page.wait(FOLLOWED)
        assert (await page.evaluate("JSON.parse(localStorage['relay.guest']).user"))[:6] == "guest_"
        assert await here.count() == 1


async def test_where_there_are_no_guests_the_page_says_so(chromium: str, tmp_path: Path) -> None:
    async with site(chromium, tmp_path, {"limits.guests_per_minute": 1}) as here:
        page = await here.open()
        await page.wait(NOT_FOLLOWED)
        # Somebody else of the same school.
        assert await page.evaluate(GUEST) == 201
        await page.evaluate(CLICK, is_tap=True)
        await page.wait("document.querySelector('#follow-problem').textContent")
        assert await page.text("#follow-problem") == (
            "Too many people have come from your network. Try again in a minute."
        )
        assert await shown(page) == ("Follow", "No followers yet")
