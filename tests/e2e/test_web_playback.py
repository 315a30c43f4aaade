"""What the watch page plays, in a real browser."""

import statistics
import time
from pathlib import Path

import pytest
import trio
from support import ffmpeg, media
from support.browser import Page, browsing
from support.publishing import publish, send_in_real_time
from support.server import ServerProcess, serving
from support.viewers import wait_live

from relay.flv.demuxer import Tag
from relay.packet import Kind

pytestmark = pytest.mark.alone

TWO_SECOND_GOP = "-c:v libx264 -preset veryfast -bf 2 -g 60 -pix_fmt yuv420p"
PHONE_VIDEO = "-c:v libx264 -preset veryfast -profile:v baseline -bf 0 -g 30 -pix_fmt yuv420p"
PHONE_RATE = 15
HOLE_MS = 500
STEADY_S = 4


def watch(server: ServerProcess, name: str) -> str:
    host, port = server.addresses["http"]
    return f"http://{host}:{port}/watch/live/{name}"


async def latencies(page: Page, seconds: float) -> list[float]:
    """What the player says of its latency, ten times a second."""
    said = []
    for _ in range(round(10 * seconds)):
        said.append(await page.evaluate("relayPlayer.latencyMs"))
        await trio.sleep(0.1)
    return said


async def test_a_push_from_ffmpeg_plays_at_once_and_close_to_live(
    chromium: str, tmp_path: Path
) -> None:
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(4, size="640x360", video=TWO_SECOND_GOP))
    async with (
        serving(tmp_path / "data") as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):
        push = await ffmpeg.start(nursery, ffmpeg.copying(source, server.url("cat"), loop=True))
        await wait_live(server.addresses["http"], "cat")
        page = await browser.open_page(watch(server, "cat"))
        await page.wait_playing()
        await page.wait("relayPlayer.latencyMs")
        before = await page.facts()
        said = await latencies(page, STEADY_S)
        after = await page.facts()
        push.kill()
    assert before["startup_ms"] < 1000
    assert after["size"] == [640, 360]
    assert after["time"] - before["time"] > 0.9 * STEADY_S
    assert after["frames"] > before["frames"]
    assert after["audio_bytes"] > before["audio_bytes"] > 0
    assert statistics.median(said) < 700
    assert (after["stalls"], after["rebuilds"], after["skips"]) == (0, 0, 0)
    assert page.complaints == []


async def test_latency_is_what_the_page_says_it_is(chromium: str, tmp_path: Path) -> None:
    tags = media.tags(media.flv_file(6))
    async with (
        serving(tmp_path) as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):
        page = await browser.open_page(watch(server, "cat"))
        encoder = await publish(server.addresses["rtmp"], "cat")
        began = time.time() - tags[0].timestamp / 1000
        nursery.start_soon(send_in_real_time, encoder, tags)
        await page.wait_playing()
        await trio.sleep(2)
        facts = await page.evaluate(
            "({now: (performance.timeOrigin + performance.now()) / 1000,"
            " time: document.querySelector('video').currentTime, said: relayPlayer.latencyMs})"
        )
        nursery.cancel_scope.cancel()
        encoder.vanish()
    truth_ms = 1000 * (facts["now"] - began - facts["time"])
    assert abs(facts["said"] - truth_ms) < 80
    assert truth_ms < 700


def phone_tags() -> list[Tag]:
    """10 s of sound, and a camera that three times shows nothing new for half a second."""
    sound = [t for t in media.tags(media.flv_file(10, rate=PHONE_RATE)) if t.kind is Kind.AUDIO]
    steady = media.tags(media.flv_file(8, rate=PHONE_RATE, video=PHONE_VIDEO))
    picture = [tag for tag in steady if tag.kind is Kind.VIDEO]
    late = [
        Tag(tag.kind, tag.timestamp + HOLE_MS * (tag.timestamp // 2000), tag.body)
        for tag in picture
    ]
    return sorted([*sound, *late], key=lambda tag: tag.timestamp)


async def test_a_phones_stream_with_holes_plays_whole(chromium: str, tmp_path: Path) -> None:
    tags = phone_tags()
    last = max(tag.timestamp for tag in tags if tag.kind is Kind.VIDEO) / 1000
    async with serving(tmp_path) as server, browsing(chromium) as browser:
        page = await browser.open_page(watch(server, "phone"))
        await page.wait_phase("waiting")
        encoder = await publish(server.addresses["rtmp"], "phone")
        await send_in_real_time(encoder, tags)
        await page.wait(f"document.querySelector('video').currentTime > {last - 0.1}", 5)
        facts = await page.facts()
        encoder.vanish()
    assert len(facts["ranges"]) == 1, "a hole in the picture is none in the buffer"
    start, end = facts["ranges"][0]
    assert start < 0.1
    assert end >= last
    frames = len([tag for tag in tags if tag.kind is Kind.VIDEO and tag.body[1] == 1])
    assert facts["frames"] >= frames - 3, "what the start at the live edge leaves out"
    assert facts["rebuilds"] == 0
    assert facts["jumps"] == 0
