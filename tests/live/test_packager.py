"""A packager: what it keeps, puts on disk and lets go of."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import trio
import trio.lowlevel
from support import media
from support.memory import in_virtual_time
from support.on_air import HOLD_S, settle
from support.packaging import WINDOW, later, packaging, play, reel

from relay.hls.segments import Part
from relay.live import shelf
from relay.live.broadcast import LATE_KEYFRAMES
from relay.live.packager import Packager
from relay.live.packagers import LINGER_S
from relay.packet import Kind

FOUR_S = 4000
PATIENCE_S = 20


def files(folder: Path) -> list[Path]:
    return list(folder.glob("*/*.mp4"))


def listed(packager: Packager) -> list[Part]:
    """All parts of whole segments."""
    return [part for held in packager.window.listed for part in held.parts]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for threads, which do not know of virtual time: it stands still where nobody sleeps."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_at
        await trio.lowlevel.checkpoint()


def as_file(parts: list[Part]) -> bytes:
    return parts[0].head.init.data + b"".join(part.data for part in parts)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "segments"


@in_virtual_time
async def test_parts_are_what_was_published(folder: Path) -> None:
    async with packaging(folder) as made:
        with made.studio.publishing() as run:
            await trio.lowlevel.checkpoint()
            packager = made.packager
            await play(run, reel())
        await trio.sleep(HOLD_S + 1)
        got = listed(packager)
    assert media.digests(as_file(got)) == media.digests(media.flv_file(4))
    assert got[-1].is_last


@in_virtual_time
async def test_a_newcomer_begins_with_what_is_kept(folder: Path) -> None:
    async with packaging(folder) as made:
        with made.studio.publishing() as run:
            await play(run, [packet for packet in reel() if packet.dts < 2500])
            packager = made.packager
            await settle()
            first = packager.window.open_parts[0]
            assert (first.head.number, first.is_independent) == (0, True)
            assert 2000 <= first.start_ms < 2100


@in_virtual_time
async def test_dead_time_is_on_the_wall_clock_only(folder: Path) -> None:
    async with packaging(folder) as made:
        with made.studio.publishing() as run:
            await trio.lowlevel.checkpoint()
            packager = made.packager
            await play(run, reel())
        await trio.sleep(20)
        with made.studio.publishing() as run:
            await play(run, later(reel(), 77_777))
        await trio.sleep(HOLD_S + 1)
        got = listed(packager)
    heads = list({id(part.head): part.head for part in got}.values())
    assert [head.number for head in heads if head.is_discontinuity] == [4]
    dead_ms = [
        (after.wall_ms - before.wall_ms) - (after.media_ms - before.media_ms)
        for before, after in itertools.pairwise(heads)
    ]
    assert dead_ms == [0, 0, 0, pytest.approx(20_000, abs=100), 0, 0, 0]
    once = media.digests(media.flv_file(4))[Kind.VIDEO]
    assert media.digests(as_file(got))[Kind.VIDEO] == 2 * once


@in_virtual_time
async def test_the_last_of_a_run_is_there_while_nobody_publishes(folder: Path) -> None:
    async with packaging(folder) as made:
        with made.studio.publishing() as run:
            await play(run, reel())
            packager = made.packager
            await settle()
        await settle()
        assert packager.window.open_parts == []
        assert packager.window.edge_ms == pytest.approx(FOUR_S, abs=100)


@in_virtual_time
async def test_what_is_old_is_on_disk_and_reads_the_same(folder: Path) -> None:
    settings = attrs.evolve(WINDOW, memory_bytes=1)
    async with packaging(folder, settings) as made:
        with made.studio.publishing() as run:
            await trio.lowlevel.checkpoint()
            packager = made.packager
            for lap in range(4):
                await play(run, later(reel(), FOUR_S * lap))
            held = packager.window.listed
            await until(lambda: len(files(folder)) == sum(not one.parts for one in held) > 5)
            on_disk = [one.number for one in held if not one.parts]
            assert on_disk == list(range(on_disk[-1] + 1))
            data = await packager.read(held[0])
            assert len(data) == held[0].byte_count
            assert media.digests(held[0].head.init.data + data)[Kind.VIDEO]
            packager.scope.cancel()
            await until(lambda: not files(folder))


@in_virtual_time
async def test_a_packager_that_nobody_needs_goes(folder: Path) -> None:
    async with packaging(folder) as made:
        with made.studio.publishing() as run:
            await play(run, reel())
            packager, key = made.packager, made.packager.key
            assert made.packagers.current(made.studio.broadcast.name) is packager
            await trio.sleep(LINGER_S + 2)
            assert made.packagers.current(made.studio.broadcast.name) is None
            assert made.packagers.find(made.studio.broadcast.name, key) is None


@in_virtual_time
async def test_keyframes_that_come_late_are_counted_and_the_streamer_is_told(folder: Path) -> None:
    async with packaging(folder) as made:
        with made.studio.publishing() as run:
            await trio.lowlevel.checkpoint()
            packager = made.packager
            await play(run, reel())
            late = [packet for packet in later(reel(), FOUR_S) if not packet.is_config]
            await play(run, late[:1] + [packet for packet in late if not packet.is_keyframe])
            await play(run, later(reel(), 2 * FOUR_S))
            await settle()
            assert packager.window.target_s == 2
            assert packager.window.too_long == 1
            assert made.studio.broadcast.statistics().repairs[LATE_KEYFRAMES] == 1
            assert made.packagers.statistics().long_segments == 1


@in_virtual_time
async def test_where_the_disk_has_no_room_the_window_is_shorter(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "LEAST_FREE_BYTES", 1 << 60)
    async with packaging(folder, attrs.evolve(WINDOW, memory_bytes=1)) as made:
        with made.studio.publishing() as run:
            await trio.lowlevel.checkpoint()
            packager = made.packager
            for lap in range(4):
                await play(run, later(reel(), FOUR_S * lap))
            await until(lambda: packager.window.first_number > 5)
            assert files(folder) == []
            assert all(held.parts for held in packager.window.listed)
            figures = made.packagers.statistics()
            assert figures.segments == len(packager.window.listed)
            assert figures.memory_bytes == sum(h.byte_count for h in packager.window.listed)
    assert made.studio.budget.held == 0


@in_virtual_time
async def test_broadcasts_share_the_memory_there_is(folder: Path) -> None:
    async with packaging(folder, attrs.evolve(WINDOW, memory_bytes=1000)) as made:
        with made.studio.publishing() as run:
            await play(run, [packet for packet in reel() if packet.dts < 500])
            first = made.packager
            assert first._share() == 1000
            with made.studio.publishing("live/dog"):
                await settle()
                other = made.studio.stage.broadcast("live/dog")
                assert other is not None
                made.packagers.of(other)
                assert first._share() == 500
