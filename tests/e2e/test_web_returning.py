"""The encoder is killed and returns: the same page goes on by itself, whatever has changed."""

from pathlib import Path

import attrs
import pytest
import trio
from support import ffmpeg, media
from support.browser import DevTools, Page, browsing
from support.publishing import publish, send_in_real_time
from support.server import ServerProcess, serving
from support.viewers import Viewer, open_viewer

from relay.packet import Kind

pytestmark = pytest.mark.alone

AWAY_S = 8
WITHIN_S = 2
AHEAD_MS = 200
SMALL, LARGE = "320x180", "480x270"


WATCH_STILL = """
  window.marker = "untouched";
  window.stills = [];
  const still = document.querySelector(".still");
  const note = () => stills.push(still.hidden ? "hidden" : "shown");
  new MutationObserver(note).observe(still, { attributeFilter: ["hidden"] });
"""


@attrs.frozen
class Return:
    """How one page fared."""

    before: dict[str, object]
    """What its player said just before the encoder died, ..."""
    away: list[str]
    """its words while the encoder was away, ..."""
    after: dict[str, object]
    """and when it played again."""
    took_s: float
    """From just before the first new keyframe to a playhead that moves."""
    is_same_page: bool
    stills: list[str]
    """What became of the last picture."""


def write_sources(folder: Path) -> dict[str, Path]:
    made = {
        "small": media.flv_file(4, size=SMALL),
        "large": media.flv_file(4, size=LARGE),
        "silent": media.flv_file(4, size=SMALL, audio=""),
    }
    for name, data in made.items():
        (folder / f"{name}.flv").write_bytes(data)
    return {name: folder / f"{name}.flv" for name in made}


@attrs.define(eq=False)
class Scenario:
    server: ServerProcess
    browser: DevTools
    sources: dict[str, Path]
    returns: dict[str, Return] = attrs.field(factory=dict)

    async def ffmpeg_returns(self, name: str, second: str) -> None:
        """A real ffmpeg is killed with SIGKILL; another one comes with the file `second`."""
        async with trio.open_nursery() as nursery:
            page = await self._open(name)
            push = await self._push(nursery, name, "small")
            before = await self._watch(page)
            push.kill()
            words = await self._be_away(page)
            viewer = await open_viewer(self.server.addresses["http"], name, "mp4-ws")
            push = await self._push(nursery, name, second)
            await self._return(viewer, name, page, before, words)
            push.kill()

    async def dies_with_sound_ahead(self, name: str) -> None:
        """Our encoder dies in the middle of a GOP, its sound 200 ms ahead of its picture."""
        tags = media.tags(media.flv_file(6, size=SMALL))
        until = {Kind.AUDIO: 3700 + AHEAD_MS, Kind.VIDEO: 3700}
        cut = [tag for tag in tags if tag.timestamp <= until.get(tag.kind, 0)]
        page = await self._open(name)
        encoder = await publish(self.server.addresses["rtmp"], name)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_in_real_time, encoder, cut)
            before = await self._watch(page)
        encoder.vanish()
        words = await self._be_away(page)
        viewer = await open_viewer(self.server.addresses["http"], name, "mp4-ws")
        encoder = await publish(self.server.addresses["rtmp"], name)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_in_real_time, encoder, tags)
            await self._return(viewer, name, page, before, words)
            nursery.cancel_scope.cancel()
        encoder.vanish()

    async def _open(self, name: str) -> Page:
        host, port = self.server.addresses["http"]
        page = await self.browser.open_page(f"http://{host}:{port}/watch/live/{name}")
        await page.evaluate(WATCH_STILL)
        return page

    async def _push(self, nursery: trio.Nursery, name: str, source: str) -> trio.Process:
        url = self.server.url(name)
        return await ffmpeg.start(nursery, ffmpeg.copying(self.sources[source], url, loop=True))

    async def _watch(self, page: Page) -> dict[str, object]:
        await page.wait_playing()
        await page.wait("document.querySelector('video').currentTime > 2.5")
        return await page.facts()

    async def _be_away(self, page: Page) -> list[str]:
        gone_at = trio.current_time()
        await page.wait_phase("held")
        words = await page.evaluate("relayPlayer.words")
        await trio.sleep_until(gone_at + AWAY_S)
        return [str(word) for word in words]

    async def _return(
        self, viewer: Viewer, name: str, page: Page, before: dict[str, object], words: list[str]
    ) -> None:
        stood_at = await page.evaluate("document.querySelector('video').currentTime")
        await viewer.read_until(lambda: is_back(viewer))
        back_at = trio.current_time()
        await viewer.leave()
        await page.wait_advance(stood_at + 0.3)
        took_s = trio.current_time() - back_at
        # It plays on, not only a frame.
        await page.wait_advance(stood_at + 1.5)
        after = await page.facts()
        is_same_page = await page.evaluate("window.marker") == "untouched"
        stills = await page.evaluate("window.stills")
        assert page.complaints == []
        self.returns[name] = Return(before, words, after, took_s, is_same_page, stills)


def is_back(viewer: Viewer) -> bool:
    """Whether an encoder was let in again: it begins with a keyframe, which has yet to arrive."""
    return any(message.get("reason") == "keyframe" for message in viewer.messages)


async def play_all(chromium: str, folder: Path) -> dict[str, Return]:
    sources = write_sources(folder)
    async with serving(folder / "data") as server, browsing(chromium) as browser:
        scenario = Scenario(server, browser, sources)
        async with trio.open_nursery() as nursery:
            for name, second in KILLED.items():
                nursery.start_soon(scenario.ffmpeg_returns, name, second)
            nursery.start_soon(scenario.dies_with_sound_ahead, "sound-ahead")
    return scenario.returns


KILLED = {"unchanged": "small", "other-size": "large", "without-sound": "silent"}
NAMES = [*KILLED, "sound-ahead"]


@pytest.fixture(scope="module")
def returns(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Return]:
    return trio.run(play_all, chromium, tmp_path_factory.mktemp("returning"))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_plays_within_two_seconds_of_the_first_new_keyframe(
    returns: dict[str, Return], name: str
) -> None:
    assert returns[name].took_s < WITHIN_S
    assert returns[name].is_same_page


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_that_it_waits_for_the_streamer(
    returns: dict[str, Return], name: str
) -> None:
    headline, detail = returns[name].away
    assert headline.endswith("connection was lost")
    assert detail == "Waiting for it to return."


def test_the_picture_takes_the_new_size(returns: dict[str, Return]) -> None:
    assert returns["other-size"].before["size"] == [320, 180]
    assert returns["other-size"].after["size"] == [480, 270]


@pytest.mark.parametrize("name", ["unchanged", "other-size", "sound-ahead"])
def test_the_decoder_stays_while_tracks_stay(returns: dict[str, Return], name: str) -> None:
    assert returns[name].after["sources"] == 1
    assert returns[name].after["rebuilds"] == 0


def test_a_lost_track_takes_a_new_media_source_and_nothing_else(
    returns: dict[str, Return],
) -> None:
    assert returns["without-sound"].after["sources"] == 2
    assert returns["without-sound"].after["rebuilds"] == 0


def test_the_last_picture_stays_until_the_next_one_is_there(returns: dict[str, Return]) -> None:
    # A video takes up its first source, which hides what is hidden, before there is a picture.
    assert returns["without-sound"].stills[-2:] == ["shown", "hidden"]
    assert "shown" not in returns["unchanged"].stills
