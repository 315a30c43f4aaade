"""HLS of a whole server in memory: every promise of every playlist, and who may ask for what."""

import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urljoin

import m3u8
import pytest
import trio
import trio.testing
from support import media
from support.asking import REFUSAL, URL, site_that
from support.hls_player import HlsPlayer
from support.hostile import Site, site
from support.http_client import request_bytes
from support.memory import in_virtual_time
from support.outside import answering
from support.packaging import later, reel

from relay.config import CallbackConfig
from relay.packet import Packet
from relay.server.hls_playlists import READY_WITHIN_S

HOLD_S = 30


@asynccontextmanager
async def publishing(here: Site, packets: Iterable[Packet]) -> AsyncIterator[None]:
    """Play `packets` in real time beside what the context does; stay connected to its end."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_publish, here, list(packets))
        await trio.testing.wait_all_tasks_blocked()
        yield
        nursery.cancel_scope.cancel()


async def _publish(here: Site, packets: list[Packet]) -> None:
    began = trio.current_time() - packets[0].dts / 1000
    async with here.server.stream("live/cat").publish() as publisher:
        for packet in packets:
            await trio.sleep_until(began + packet.dts / 1000)
            await publisher.send(packet)
        await trio.sleep_forever()


def long_reel(laps: int) -> list[Packet]:
    """Four seconds, again and again, as one run."""
    first = list(reel())
    frames = [packet for packet in first if not packet.is_config]
    return first + [packet for lap in range(1, laps) for packet in later(frames, 4000 * lap)]


async def follow(player: HlsPlayer, found: m3u8.M3U8, parts: int) -> m3u8.M3U8:
    """Check `found`, and so many playlists behind it."""
    for _ in range(parts):
        await player.check(found)
        found = await player.next_part(found)
    return found


@in_virtual_time
async def test_every_promise_is_kept_also_while_a_publisher_returns(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        player = await HlsPlayer.come(here)
        async with publishing(here, long_reel(3)):
            await player.open()
            found = await follow(player, await player.reload(), 20)
        waiting = await player.next_part(found)
        await player.check(waiting)
        assert waiting.media_sequence == found.media_sequence
        async with publishing(here, later(reel(rate=25), 77_000)):
            found = await follow(player, await player.next_part(waiting), 8)
            assert [s for s in found.segments if s.uri][-1].init_section.uri == "init.1.mp4"
        await trio.sleep(HOLD_S + 1)
        found = await player.reload()
        await player.check(found)
        assert found.is_endlist
        assert sum(segment.discontinuity for segment in found.segments) == 1
        assert max(player.breaks.values()) == 1


@in_virtual_time
async def test_nobody_is_kept_waiting_for_a_broadcast_that_is_not_there(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        player = await HlsPlayer.come(here)
        began = trio.current_time()
        for url in ("/live/cat.m3u8", "/live/cat/hls/0123456789abcdef/media.m3u8"):
            answer = await player.get(url)
            assert answer.status == 404
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["access-control-allow-origin"] == "*"
        assert trio.current_time() == began


@in_virtual_time
async def test_the_first_playlist_comes_when_three_gops_are_known(tmp_path: Path) -> None:
    async with site(tmp_path) as here, publishing(here, reel()):
        player = await HlsPlayer.come(here)
        began = trio.current_time()
        await player.open()
        assert trio.current_time() - began == pytest.approx(3, abs=0.2)
        # Who comes later waits for none of them.
        began = trio.current_time()
        later_one = await HlsPlayer.come(here)
        await later_one.open()
        await later_one.check(await later_one.reload())
        assert trio.current_time() - began < 0.01


@in_virtual_time
async def test_where_keyframes_do_not_come_a_player_is_told_to_come_again(tmp_path: Path) -> None:
    slow = reel(4, video="-c:v libx264 -g 999")
    async with site(tmp_path) as here, publishing(here, slow):
        began = trio.current_time()
        answer = await (await HlsPlayer.come(here)).get("/live/cat.m3u8")
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        assert trio.current_time() - began == pytest.approx(READY_WITHIN_S, abs=0.2)


@in_virtual_time
async def test_a_reload_is_answered_when_the_part_is_there_and_whole(tmp_path: Path) -> None:
    async with site(tmp_path) as here, publishing(here, long_reel(3)):
        player = await HlsPlayer.come(here)
        await player.open()
        found = await player.next_part(await player.reload())
        hint = found.preload_hint.uri
        began = trio.current_time()
        hinted = await player.fetch(hint)
        assert 0.2 < trio.current_time() - began < 0.4
        found = await player.reload()
        assert hint in [part.uri for segment in found.segments for part in segment.parts]
        assert await player.fetch(hint) == hinted
        assert hint != found.preload_hint.uri


@in_virtual_time
async def test_what_makes_no_sense_is_refused_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as here, publishing(here, long_reel(2)):
        player = await HlsPlayer.come(here)
        await player.open()
        found = await player.reload()
        began = trio.current_time()
        for directives in ("_HLS_part=1", "_HLS_msn=x", "_HLS_msn=99999", "_HLS_skip=NO"):
            answer = await player.get(f"{player.url}&{directives}")
            assert (answer.status, answer.headers["access-control-allow-origin"]) == (400, "*")
        for name in ("99.mp4", "0.99.mp4", "init.9.mp4", "x.mp4", "media.mpd", "0.mp4.mp4"):
            assert (await player.get(urljoin(player.url, name))).status == 404
        assert trio.current_time() == began
        number, index, _ = found.preload_hint.uri.split(".")
        beyond = urljoin(player.url, f"{number}.{int(index) + 1}.mp4")
        assert (await player.get(beyond)).status == 404
        answer = await player.get("/live/cat.m3u8?from=yesterday")
        assert answer.status == 400


@in_virtual_time
async def test_an_encoder_that_stalls_costs_a_player_three_targets_and_no_more(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as here, publishing(here, reel()):
        player = await HlsPlayer.come(here)
        await player.open()
        await trio.sleep(3)
        found = await player.reload()
        began = trio.current_time()
        number, index, _ = found.preload_hint.uri.split(".")
        answer = await player.get(f"{player.url}&_HLS_msn={number}&_HLS_part={index}")
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        assert trio.current_time() - began == pytest.approx(6, abs=0.1)


@in_virtual_time
async def test_while_nobody_publishes_a_player_soon_gets_what_there_is(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        player = await HlsPlayer.come(here)
        async with publishing(here, long_reel(2)):
            await player.open()
        await trio.sleep(0.1)
        found = await player.reload()
        number, index, _ = found.preload_hint.uri.split(".")
        began = trio.current_time()
        answer = await player.get(f"{player.url}&_HLS_msn={number}&_HLS_part={index}")
        assert trio.current_time() - began == pytest.approx(1, abs=0.1)
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")


@in_virtual_time
async def test_caches_are_told_how_long_each_answer_is_good(tmp_path: Path) -> None:
    async with site(tmp_path) as here, publishing(here, long_reel(3)):
        player = await HlsPlayer.come(here)
        assert (await player.get(player.url)).headers["cache-control"] == "no-store"
        await player.open()
        found = await player.reload()
        plain = await player.get(player.url)
        assert plain.headers["cache-control"] == "public, max-age=1"
        assert plain.headers["vary"] == "Accept-Encoding"
        blocked = await player.get(f"{player.url}&_HLS_msn={found.media_sequence}")
        assert blocked.headers["cache-control"] == "public, max-age=12"
        for uri in ("init.0.mp4", "0.mp4", "0.0.mp4"):
            answer = await player.get(urljoin(player.url, uri))
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            unchanged = await player.get(
                urljoin(player.url, uri), ("If-None-Match", answer.headers["etag"])
            )
            assert (unchanged.status, unchanged.body) == (304, b"")


@in_virtual_time
async def test_a_playlist_is_sent_small_and_not_twice(tmp_path: Path) -> None:
    async with site(tmp_path) as here, publishing(here, long_reel(3)):
        player = await HlsPlayer.come(here)
        await player.open()
        plain = await player.get(player.url)
        zipped = await player.get(player.url, ("Accept-Encoding", "br, gzip;q=0.5"))
        assert zipped.headers["content-encoding"] == "gzip"
        assert zlib.decompress(zipped.body, 31) == plain.body
        assert zipped.headers["etag"] != plain.headers["etag"]
        refused = await player.get(player.url, ("Accept-Encoding", "gzip;q=0"))
        assert refused.body == plain.body
        again = await player.get(player.url, ("If-None-Match", plain.headers["etag"]))
        assert (again.status, again.headers["vary"]) == (304, "Accept-Encoding")
        head = await player.peer.ask(request_bytes("HEAD", player.url))
        assert (head.status, head.body) == (200, b"")
        assert int(head.headers["content-length"]) == len(plain.body)


@in_virtual_time
async def test_a_segment_can_be_had_in_ranges_by_pages_of_any_site(tmp_path: Path) -> None:
    async with site(tmp_path) as here, publishing(here, long_reel(3)):
        player = await HlsPlayer.come(here)
        await player.open()
        url = urljoin(player.url, "0.mp4")
        whole = await player.get(url)
        part = await player.get(url, ("Range", "bytes=8-99"))
        assert (part.status, part.body) == (206, whole.body[8:100])
        assert part.headers["content-range"] == f"bytes 8-99/{len(whole.body)}"
        assert (await player.get(url, ("Range", "bytes=99999999-"))).status == 416
        assert whole.headers["access-control-allow-origin"] == "*"
        allowed = await player.peer.ask(
            request_bytes("OPTIONS", url, ("Origin", "https://elsewhere.example"))
        )
        assert "Range" in allowed.headers["access-control-allow-headers"]


@in_virtual_time
async def test_the_site_is_asked_once_and_no_address_repeats_what_it_wanted(
    tmp_path: Path,
) -> None:
    outside, receiver = site_that()
    asked = CallbackConfig(url=URL, streams=("live/*",))
    async with site(tmp_path, outside=outside, on_play=asked) as here:
        async with publishing(here, long_reel(3)):
            player = await HlsPlayer.come(here)
            player.url += "?ticket=s3same"
            await player.open()
            await player.check(await player.reload())
            assert len(receiver.requests) == 1
            assert "s3same" not in player.url
            key = player.url.split("/")[4]
            assert len(key) == 32
            segment = await player.get(urljoin(player.url, "0.mp4"))
            assert segment.headers["cache-control"].startswith("private")
            guessed = player.url.replace(key, "0" * 32)
            assert (await player.get(guessed)).status == 404
            other = player.url.replace("/cat/", "/dog/")
            assert (await player.get(other)).status == 404
        player.peer.close()
        await trio.sleep(1)
        assert key not in str(here.logged)


@in_virtual_time
async def test_whom_the_site_refuses_gets_no_address(tmp_path: Path) -> None:
    outside, _ = site_that(answering(403, body=REFUSAL))
    asked = CallbackConfig(url=URL, streams=("live/*",))
    async with site(tmp_path, outside=outside, on_play=asked) as here, publishing(here, reel()):
        answer = await (await HlsPlayer.come(here)).get("/live/cat.m3u8")
        assert answer.status == 403
        assert b"/hls/" not in answer.body
        assert here.services.packagers.current("live/cat") is None


@in_virtual_time
async def test_a_player_is_a_viewer_for_as_long_as_it_comes_back(tmp_path: Path) -> None:
    async with site(tmp_path) as here, publishing(here, long_reel(5)):
        players = [await HlsPlayer.come(here) for _ in range(2)]
        for player in players:
            await player.open()
        broadcast = here.services.stage.broadcast("live/cat")
        assert broadcast is not None
        assert broadcast.viewer_count == 0
        found = [await player.reload() for player in players]
        assert broadcast.viewer_count == 0
        for _ in range(6):
            found[0] = await players[0].next_part(found[0])
        assert (broadcast.viewer_count, broadcast.visits) == (1, 1)
        await players[1].next_part(found[1])
        assert broadcast.viewer_count == 2
        await trio.sleep(10)
        assert broadcast.viewer_count == 0


@in_virtual_time
async def test_who_watches_otherwise_has_something_to_rewind_to(tmp_path: Path) -> None:
    async with site(tmp_path) as here, publishing(here, long_reel(5)):
        await trio.sleep(1)
        assert here.services.packagers.current("live/cat") is None
        viewer = await here.say("http", request_bytes("GET", "/live/cat.flv"))
        await viewer.hear()
        await trio.sleep(12)
        player = await HlsPlayer.come(here)
        await player.open()
        found = await player.reload()
        assert len(found.segments) >= 10
        viewer.close()


@in_virtual_time
async def test_a_whole_broadcast_comes_out_as_it_went_in(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        player = await HlsPlayer.come(here)
        async with publishing(here, long_reel(2)):
            await player.open()
            await trio.sleep(6)
        await trio.sleep(HOLD_S + 1)
        found = await player.reload()
        data = (await player.fetch("init.0.mp4")) + b"".join(
            [await player.fetch(segment.uri) for segment in found.segments]
        )
        assert media.digests(data) == {
            kind: 2 * frames for kind, frames in media.digests(media.flv_file(4)).items()
        }
