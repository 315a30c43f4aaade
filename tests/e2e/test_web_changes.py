"""One encoder, one connection: the picture changes its size, the sound goes and comes, and the same
page plays through.
"""

import itertools
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support import media
from support.browser import browsing
from support.publishing import publish, send_in_real_time
from support.server import serving

from relay.flv.demuxer import Tag

SMALL, LARGE = "320x180", "480x270"
GOPS = "-c:v libx264 -preset veryfast -bf 2 -g 15 -pix_fmt yuv420p"
PARTS: tuple[tuple[float, dict[str, Any]], ...] = (
    (1.5, {"size": SMALL}),
    (1.5, {"size": LARGE}),
    (2.5, {"size": LARGE, "audio": ""}),
    (1.5, {"size": LARGE}),
)
"""Seconds, and what they are like."""


def programme() -> list[Tag]:
    """Every part as ffmpeg makes it, on one timeline."""
    tags: list[Tag] = []
    begins_ms = 0.0
    for seconds, shape in PARTS:
        made = media.tags(media.flv_file(seconds, video=GOPS, **shape))
        tags += [attrs.evolve(tag, timestamp=tag.timestamp + round(begins_ms)) for tag in made]
        begins_ms += 1000 * seconds
    return tags


@attrs.frozen
class Seen:
    """A page while all of that was played to it."""

    facts: list[dict[str, Any]]
    """What its player said, ten times a second."""


async def play(chromium: str, folder: Path) -> Seen:
    facts: list[dict[str, Any]] = []
    async with serving(folder / "data") as server, browsing(chromium) as browser:
        host, port = server.addresses["http"]
        page = await browser.open_page(f"http://{host}:{port}/watch/live/cat")
        encoder = await publish(server.addresses["rtmp"], "cat")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch, page, facts)
            await send_in_real_time(encoder, programme())
            nursery.cancel_scope.cancel()
        await encoder.stop()
    assert page.complaints == []
    return Seen(facts)


async def watch(page: Any, facts: list[dict[str, Any]]) -> None:
    while True:
        facts.append(await page.facts())
        await trio.sleep(0.1)


@pytest.fixture(scope="module")
def seen(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return trio.run(play, chromium, tmp_path_factory.mktemp("changes"))


def stages(seen: Seen, *keys: str) -> list[tuple[Any, ...]]:
    """What these were one after the other, while something was played."""
    found = [tuple(each[key] for key in keys) for each in seen.facts if each["phase"] == "playing"]
    return [stage for stage, _ in itertools.groupby(found)]


def test_the_picture_takes_another_size_and_the_decoder_stays(seen: Seen) -> None:
    assert stages(seen, "size", "sources")[:2] == [([320, 180], 1), ([480, 270], 1)]


def test_lost_sound_and_sound_that_is_back_take_a_new_media_source_each(seen: Seen) -> None:
    assert stages(seen, "size", "sources")[1:] == [([480, 270], count) for count in (1, 2, 3)]
    assert seen.facts[-1]["rebuilds"] == 0


def test_it_plays_on_to_the_end(seen: Seen) -> None:
    last = seen.facts[-1]
    assert last["phase"] == "playing"
    assert last["time"] == pytest.approx(sum(seconds for seconds, _ in PARTS), abs=1.5)
    # The sound of the last part was heard.
    assert last["audio_bytes"] > 2000
    assert not [each for each in seen.facts if each["phase"] in {"lost", "ended", "unsupported"}]
