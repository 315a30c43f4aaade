"""The rewind bar: five minutes back while it is live, and back again, in one page."""

from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support import media
from support.browser import Page, browsing
from support.publishing import Encoder, publish, send_in_real_time
from support.server import serving

from relay.flv.demuxer import Tag

LENGTH_S = 10
PAST_S = 320
BACK_S = 300
SMALL = "-c:v libx264 -preset ultrafast -b:v 60k -bf 2 -g 10 -pix_fmt yuv420p"
SLIDER = "document.querySelector('.rewind input')"


def scene() -> list[Tag]:
    """Ten seconds, in few bytes."""
    data = media.flv_file(LENGTH_S, size="160x90", rate=10, video=SMALL, audio="-c:a aac -b:a 16k")
    return media.tags(data)


async def send_the_past(encoder: Encoder) -> None:
    """Five minutes in some seconds: media time is what timestamps say."""
    for start_s in range(0, PAST_S, LENGTH_S):
        await encoder.send_tags(scene(), shift_ms=1000 * start_s)
        # A packager waits for nobody, and so nobody must be faster than it can be.
        await trio.sleep(0.1)


async def stay_live(encoder: Encoder) -> None:
    start_s = PAST_S
    while True:
        await send_in_real_time(encoder, scene(), shift_ms=1000 * start_s)
        start_s += LENGTH_S


@attrs.frozen
class Moment:
    """The page at one moment."""

    facts: dict[str, Any]
    picture: dict[str, Any]
    live: str
    """What the button says."""
    at: str
    """What stands over the bar."""

    @classmethod
    async def of(cls, page: Page) -> "Moment":
        return cls(
            await page.facts(),
            await page.evaluate("relayPlayer.picture"),
            await page.text(".live"),
            await page.evaluate("document.querySelector('.rewind-at').textContent"),
        )


@attrs.frozen
class Seen:
    live: Moment
    past: Moment
    later: Moment
    again: Moment
    requests: list[str]


async def play(chromium: str, folder: Path) -> Seen:
    async with serving(folder / "data") as server, browsing(chromium) as browser:
        encoder = await publish(server.addresses["rtmp"], "cat")
        async with trio.open_nursery() as nursery:
            # Somebody has watched all the time, or else there would be nothing to go back to.
            nursery.start_soon(server.ask, "GET", "/live/cat.m3u8")
            await trio.sleep(0.2)
            await send_the_past(encoder)
            nursery.start_soon(stay_live, encoder)
            host, port = server.addresses["http"]
            page = await browser.open_page(f"http://{host}:{port}/watch/live/cat")
            seen = await go_back_and_forth(page)
            nursery.cancel_scope.cancel()
        await encoder.stop()
    return seen


async def go_back_and_forth(page: Page) -> Seen:
    await page.wait_playing()
    await page.wait("!document.querySelector('.rewind').hidden")
    live = await Moment.of(page)
    await page.evaluate(
        f"(s => {{ s.value = s.max - {BACK_S};"
        " for (const name of ['input', 'change']) s.dispatchEvent(new Event(name)); })"
        f"({SLIDER})"
    )
    await page.wait("relayPlayer.past !== null")
    await page.wait_playing()
    # Twice a second the page looks how far behind it is.
    await page.wait(r"/\d:\d\d/.test(document.querySelector('.live').textContent)")
    past = await Moment.of(page)
    await page.evaluate("document.querySelector('#stage').focus()")
    for _ in range(3):
        await page.evaluate(
            "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight'}))"
        )
    await page.wait_playing()
    later = await Moment.of(page)
    await page.evaluate("document.querySelector('.live').click()")
    await page.wait("relayPlayer.past === null")
    await page.wait_playing()
    again = await Moment.of(page)
    assert page.complaints == []
    return Seen(live, past, later, again, page.requests)


@pytest.fixture(scope="module")
def seen(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return trio.run(play, chromium, tmp_path_factory.mktemp("rewind"))


def test_five_minutes_back_is_five_minutes_back(seen: Seen) -> None:
    assert seen.past.facts["latency_ms"] == pytest.approx(1000 * BACK_S, abs=6000)
    gone_back_ms = seen.live.picture["mediaMs"] - seen.past.picture["mediaMs"]
    assert gone_back_ms == pytest.approx(1000 * BACK_S, abs=6000)
    assert seen.past.facts["phase"] == "playing"
    assert seen.past.picture["session"] == seen.live.picture["session"]


def test_the_page_says_when_that_was_and_how_long_ago(seen: Seen) -> None:
    assert seen.past.live.split("\n")[0] == "Back to live"
    assert seen.past.live.split("\n")[-1] in {f"{m}:{s:02}" for m in (4, 5) for s in range(60)}
    clock, _, behind = seen.past.at.partition(" · ")
    assert ":" in clock
    assert behind.startswith(("\u22124:", "\u22125:"))
    # By the broadcast's own clock, which the playlist has.
    went_by_ms = seen.later.picture["wallMs"] - seen.past.picture["wallMs"]
    assert went_by_ms == pytest.approx(
        seen.later.picture["mediaMs"] - seen.past.picture["mediaMs"], abs=200
    )


def test_the_arrow_keys_go_ten_seconds(seen: Seen) -> None:
    gone_ms = seen.later.picture["mediaMs"] - seen.past.picture["mediaMs"]
    assert 29_500 <= gone_ms <= 36_000


def test_the_way_back_leads_to_the_live_edge(seen: Seen) -> None:
    assert seen.live.live.split("\n")[0] == seen.again.live.split("\n")[0] == "Live"
    assert seen.again.facts["latency_ms"] < 5000
    assert seen.again.picture["mediaMs"] > seen.live.picture["mediaMs"]
    assert seen.again.facts["rebuilds"] == 0


def test_only_the_own_server_is_asked_and_the_past_comes_in_whole_segments(seen: Seen) -> None:
    assert len({request.split("/")[2] for request in seen.requests if "//" in request}) == 1
    brought = [request for request in seen.requests if "/hls/" in request]
    assert sum("/init." in request for request in brought) >= 1
    assert sum(request.endswith(".mp4") for request in brought) >= 5
