"""The watch page keeps the volume of whoever is here, for all of their devices."""

from pathlib import Path

import trio
from support.browser import DevTools, Page, browsing
from support.server import ServerProcess, serving
from support.tokens import token

KEPT = """fetch("/api/v1/users/ann/settings", { headers: { Authorization: "Bearer %s" } })
  .then((answer) => answer.json())"""
SHOWN_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"


def volume(level: float) -> str:
    return f"document.querySelector('video')?.volume === {level}"


async def device(browser: DevTools, server: ServerProcess, fragment: str = "") -> Page:
    """A page in a browser of its own, which remembers nothing of another one's."""
    host, port = server.addresses["http"]
    address = f"http://{host}:{port}/watch/live/cat{fragment}"
    page = await browser.open_page(address)
    await page.wait("document.querySelector('#follow:not([hidden])')")
    return page


async def until_kept(page: Page, token: str, level: float) -> None:
    """Until the server has it."""
    with trio.fail_after(10):
        wanted = {"player": {"volume": level}}
        while await page.evaluate(KEPT % token) != wanted:  # noqa: ASYNC110  # another process
            await trio.sleep(0.05)


async def turn_to(page: Page, level: int) -> None:
    await page.evaluate(
        f"""{{ const slider = document.querySelector(".volume input");
        slider.value = {level}; slider.dispatchEvent(new Event("input")) }}"""
    )


async def test_a_volume_goes_along_to_the_other_devices(chromium: str, tmp_path: Path) -> None:
    async with serving(tmp_path) as server, browsing(chromium) as browser:
        ann = token(tmp_path, sub="ann")
        phone = await device(browser, server, f"#token={ann}")
        await turn_to(phone, 60)
        await turn_to(phone, 30)
        await until_kept(phone, ann, 0.3)
        tablet = await device(browser, server, f"#token={ann}")
        await tablet.wait(volume(0.3))
        # It is not louder before somebody looks.
        await turn_to(tablet, 90)
        await until_kept(tablet, ann, 0.9)
        assert await phone.evaluate(volume(0.3))
        await phone.evaluate(SHOWN_AGAIN)
        await phone.wait(volume(0.9))
        nobody = await device(browser, server)
        assert await nobody.evaluate(volume(1))
        complaints = [each for page in (phone, tablet, nobody) for each in page.complaints]
        # Whether one follows is asked by an address that may not be there.
        assert [each for each in complaints if "/follows/" not in each] == []
