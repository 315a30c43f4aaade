"""While there is nothing to see, the page says what it waits for, and goes on by itself."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from support import ffmpeg, media
from support.browser import Page, browsing
from support.publishing import publish, send_in_real_time
from support.server import ServerProcess, serving
from support.viewers import wait_live

from relay.flv.demuxer import Tag
from relay.packet import Kind

LONG_GOP = "-c:v libx264 -preset veryfast -g 300 -keyint_min 300 -sc_threshold 0 -bf 0"
HIDDEN_S = 3
AAC_LC, AAC_MAIN = 2, 1
"""MPEG-4 audio object types (ISO/IEC 14496-3, table 1.17); no browser plays Main."""


def watch(server: ServerProcess, name: str = "cat") -> str:
    host, port = server.addresses["http"]
    return f"http://{host}:{port}/watch/live/{name}"


async def words(page: Page) -> tuple[str, str]:
    """What the page says over the picture."""
    return await page.text(".headline"), await page.text(".detail")


def is_config(tag: Tag) -> bool:
    return tag.kind is not Kind.DATA and tag.body[1] == 0


def is_keyframe(tag: Tag) -> bool:
    return tag.kind is Kind.VIDEO and tag.body[0] >> 4 == 1 and not is_config(tag)


def from_keyframe(tags: list[Tag], number: int) -> int:
    """The index of a keyframe."""
    return [i for i, tag in enumerate(tags) if is_keyframe(tag)][number]


async def test_a_page_of_a_stream_that_is_not_live_starts_by_itself(
    chromium: str, tmp_path: Path
) -> None:
    tags = media.tags(media.flv_file(4))
    async with (
        serving(tmp_path) as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):
        page = await browser.open_page(watch(server))
        await page.wait_phase("waiting")
        assert await words(page) == (
            "Waiting for the stream to start",
            "This page starts by itself.",
        )
        assert await page.text("#badge") == "Waiting"
        encoder = await publish(server.addresses["rtmp"], "cat")
        nursery.start_soon(send_in_real_time, encoder, tags)
        await page.wait_playing()
        assert (await page.facts())["startup_ms"] < 1000
        assert await page.text("#badge") == "Live"
        assert await words(page) == ("", "")
        nursery.cancel_scope.cancel()
        encoder.vanish()


async def test_a_page_whose_stream_has_ended_shows_the_next_one(
    chromium: str, tmp_path: Path
) -> None:
    tags = media.tags(media.flv_file(4))
    async with serving(tmp_path, {"media.hold_s": 0.5}) as server, browsing(chromium) as browser:
        page = await browser.open_page(watch(server))
        for sources in (1, 2):
            encoder = await publish(server.addresses["rtmp"], "cat")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send_in_real_time, encoder, tags)
                await page.wait_playing()
                # Another session is another timeline, from 0 again.
                assert (await page.facts())["time"] < 4
                assert (await page.facts())["sources"] == sources
                nursery.cancel_scope.cancel()
            await encoder.stop()
            await page.wait_phase("ended")
            assert (await words(page))[0] == "The stream has ended"
            assert await page.text("#badge") == "Ended"
    assert page.complaints == []


async def test_the_page_says_how_long_keyframes_take(chromium: str, tmp_path: Path) -> None:
    tags = media.tags(media.flv_file(22, video=LONG_GOP))
    second, third = from_keyframe(tags, 1), from_keyframe(tags, 2)
    async with (
        serving(tmp_path, {"media.gop_s": 1}) as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):
        encoder = await publish(server.addresses["rtmp"], "cat")
        early = await browser.open_page(watch(server))
        # An encoder that is joined in mid-GOP: nothing can be decoded yet.
        configs = [tag for tag in tags if is_config(tag)]
        await encoder.send_tags([*configs, *tags[second - 60 : second]])
        await early.wait_phase("keyframe")
        assert await words(early) == (
            "Connected, waiting for the first keyframe",
            "The picture starts with the next one.",
        )
        # Two keyframes tell their distance; this GOP is soon too long to be kept for newcomers.
        await encoder.send_tags(tags[second : third + 120])
        page = await browser.open_page(watch(server))
        await page.wait_phase("keyframe")
        assert await words(page) == (
            "Connected, waiting for the first keyframe",
            "This encoder sends one every 10 s.",
        )
        next_gop = [Tag(t.kind, t.timestamp + 20_000, t.body) for t in tags[second:third]]
        nursery.start_soon(send_in_real_time, encoder, next_gop)
        await page.wait_playing()
        nursery.cancel_scope.cancel()
        encoder.vanish()


def with_aac_main(tag: Tag) -> Tag:
    """The tag with its AudioSpecificConfig's object type changed."""
    if tag.kind is not Kind.AUDIO or tag.body[1] != 0:
        return tag
    assert tag.body[2] >> 3 == AAC_LC
    body = bytearray(tag.body)
    body[2] = AAC_MAIN << 3 | body[2] & 7
    return Tag(tag.kind, tag.timestamp, bytes(body))


async def test_the_page_names_the_codec_that_this_browser_lacks(
    chromium: str, tmp_path: Path
) -> None:
    tags = [with_aac_main(tag) for tag in media.tags(media.flv_file(2))]
    async with serving(tmp_path) as server, browsing(chromium) as browser:
        page = await browser.open_page(watch(server))
        encoder = await publish(server.addresses["rtmp"], "cat")
        await encoder.send_tags(tags)
        await page.wait_phase("unsupported")
        headline, detail = await words(page)
        assert headline == "This browser cannot play AAC Main"
        assert detail == "Another browser may be able to."
        # The streamer chooses another codec: the page notices.
        encoder.vanish()
        await page.wait_phase("held")
        encoder = await publish(server.addresses["rtmp"], "cat")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_in_real_time, encoder, media.tags(media.flv_file(4)))
            await page.wait_playing()
            nursery.cancel_scope.cancel()
        encoder.vanish()
    assert page.complaints == []


@asynccontextmanager
async def serving_again(server: ServerProcess) -> AsyncIterator[None]:
    """Another server process in the place of one that has stopped."""
    command = [sys.executable, "-m", "relay", "serve", "--publish", "open"]
    command += ["--data", str(server.data)]
    for listener, (host, port) in server.addresses.items():
        command += [f"--{listener}", f"{host}:{port}"]
    async with trio.open_nursery() as nursery:
        await ffmpeg.start(nursery, command)
        yield
        nursery.cancel_scope.cancel()


async def test_the_page_outlives_a_restart_of_the_server(chromium: str, tmp_path: Path) -> None:
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(4))
    async with (
        serving(tmp_path / "data") as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):
        command = ffmpeg.copying(source, server.url("cat"), loop=True)
        await ffmpeg.start(nursery, command)
        page = await browser.open_page(watch(server))
        await page.evaluate("window.marker = 'untouched'")
        await page.wait_playing()
        assert await server.stop() == 0
        await page.wait_phase("lost")
        assert (await words(page))[1] == "Trying again by itself."
        async with serving_again(server):
            await page.wait("relayPlayer.state === 'waiting'")
            push = await ffmpeg.start(nursery, command)
            await page.wait_playing()
            await page.wait_advance(1)
            push.kill()
        assert await page.evaluate("window.marker") == "untouched"
        nursery.cancel_scope.cancel()


async def test_a_hidden_tab_is_at_the_live_edge_as_soon_as_it_is_seen(
    chromium: str, tmp_path: Path
) -> None:
    source = tmp_path / "source.flv"
    source.write_bytes(media.flv_file(4))
    async with (
        serving(tmp_path / "data") as server,
        browsing(chromium) as browser,
        trio.open_nursery() as nursery,
    ):
        await ffmpeg.start(nursery, ffmpeg.copying(source, server.url("cat"), loop=True))
        await wait_live(server.addresses["http"], "cat")
        page = await browser.open_page(watch(server))
        await page.wait_playing()
        other = await page.open_in_front("about:blank")
        await page.wait("document.hidden")
        # As browsers do with tabs that nobody looks at.
        await page.evaluate("document.querySelector('video').pause()")
        await page.call("Page.setWebLifecycleState", state="frozen")
        stood_at = (await page.facts())["time"]
        await trio.sleep(HIDDEN_S)
        await page.call("Page.setWebLifecycleState", state="active")
        await other.close()
        await page.wait("!document.hidden")
        await page.wait_advance(stood_at + HIDDEN_S - 1, within_s=1)
        assert (await page.facts())["phase"] == "playing"
        await page.wait("relayPlayer.latencyMs < 700", within_s=1)
        nursery.cancel_scope.cancel()
