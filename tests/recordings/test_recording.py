"""A broadcast that is recorded: all of it is kept, whatever the disk does."""

import hashlib
import itertools
from collections.abc import Iterable

import attrs
import pytest
import trio
import trio.lowlevel
from support import media
from support.memory import in_virtual_time
from support.memory_disk import MemoryDisk
from support.recording import (
    EVERYTHING,
    PACKETS,
    SOURCE,
    TRACKS,
    Archive,
    archive,
    later,
    publish,
)

from relay.live.sequencer import Placed, Seam
from relay.packet import Kind
from relay.recordings import index
from relay.recordings.cutting import Add, Begin, Cutter, End, Step
from relay.recordings.files import read_index
from relay.recordings.index import GAP_BEFORE, SEAM_BEFORE
from relay.recordings.plain import plain_file
from relay.recordings.recording import Ending, Recording
from relay.recordings.stretches import encoded
from relay.store.memory import MemoryStore
from relay.store.threads import Threads

OTHER_SOURCE = media.flv_file(4, size="160x120")
OTHER = media.packets(OTHER_SOURCE)
assert TRACKS.audio is not None
SILENCE = hashlib.md5(TRACKS.audio.silence).hexdigest()

Digests = dict[Kind, list[str]]


async def digests(here: Archive, recording: Recording, only: int | None = None) -> Digests:
    return media.digests(await here.file(recording, only))


def heard(found: Digests) -> list[str]:
    """What is no silence: at a seam there may be some, to keep sound and picture in step."""
    return [digest for digest in found[Kind.AUDIO] if digest != SILENCE]


@in_virtual_time
async def test_a_recording_holds_what_was_sent_bit_for_bit() -> None:
    async with archive() as here:
        await here.broadcast(PACKETS)
        recording = await here.over()
        assert await digests(here, recording) == media.digests(SOURCE)
    assert recording.ending is Ending.BROADCAST_ENDED
    assert 9900 < recording.duration_ms < 10_100
    assert recording.gaps == ()
    assert recording.owner == "ann"
    assert recording.title == "A cat"
    (stretch,) = recording.stretches
    assert (stretch.width, stretch.height) == (320, 180)


@in_virtual_time
async def test_segments_begin_at_keyframes_and_are_told_apart_by_the_wall_clock() -> None:
    async with archive() as here:
        await here.broadcast(PACKETS, of_them_s=10)
        recording = await here.over()
        found = await read_index(here.disk, recording.id)
    assert [segment.start_ms - found[0].start_ms for segment in found] == [0, 6000]
    assert found[1].wall_ms - found[0].wall_ms == 6000
    assert recording.began_ms == found[0].wall_ms
    assert sum(segment.size for segment in found) == recording.media_bytes


@in_virtual_time
async def test_a_publisher_who_returns_goes_on_in_the_same_recording() -> None:
    async with archive() as here:
        await here.broadcast(PACKETS, of_them_s=10)
        await trio.sleep(20)
        await here.broadcast(PACKETS, of_them_s=10)
        recording = await here.over()
        found = await read_index(here.disk, recording.id)
        both = await digests(here, recording)
    assert len(here.told) == 1
    once = media.digests(SOURCE)
    assert both[Kind.VIDEO] == once[Kind.VIDEO] * 2
    assert heard(both) == once[Kind.AUDIO] * 2
    (seam,) = (segment for segment in found if segment.flags & SEAM_BEFORE)
    before = found[found.index(seam) - 1]
    assert seam.start_ms == before.end_ms
    assert seam.wall_ms - before.wall_ms - before.duration_ms > 19_000


@in_virtual_time
async def test_other_tracks_begin_another_stretch() -> None:
    async with archive() as here:
        await here.broadcast(PACKETS)
        await here.broadcast(OTHER)
        recording = await here.over()
        assert [(it.width, it.height) for it in recording.stretches] == [(320, 180), (160, 120)]
        assert recording.stretches[0].end_ms == recording.stretches[1].start_ms
        first, second = media.digests(SOURCE), media.digests(OTHER_SOURCE)
        whole = await digests(here, recording)
        assert whole[Kind.VIDEO] == first[Kind.VIDEO] + second[Kind.VIDEO]
        assert heard(whole) == first[Kind.AUDIO] + second[Kind.AUDIO]
        assert (await digests(here, recording, 1))[Kind.VIDEO] == second[Kind.VIDEO]


@in_virtual_time
async def test_a_disk_that_is_slow_for_a_while_costs_nothing() -> None:
    disk = MemoryDisk(delay_s=0.2)
    async with archive(disk=disk) as here:
        await here.broadcast(PACKETS, of_them_s=5)
        recording = await here.over()
        assert await digests(here, recording) == media.digests(SOURCE)
    assert recording.gaps == ()


@in_virtual_time
async def test_a_disk_that_stands_still_leaves_a_gap_and_the_broadcast_never_waits() -> None:
    disk = MemoryDisk()
    long = [packet for n in range(12) for packet in later(PACKETS, 10_000 * n)]
    async with archive(disk=disk) as here:
        with here.studio.publishing() as run:
            await publish(run, PACKETS, 10)
            disk.delay_s = 30.0
            began = trio.current_time()
            await publish(run, long[len(PACKETS) :], 110)
            took = trio.current_time() - began
            assert here.recordings.statistics().missed_packets
            disk.delay_s = 0.0
            await trio.sleep(60)
            await publish(run, later(PACKETS, 120_000), 10)
        recording = await here.over()
        found = await read_index(disk, recording.id)
        data = await here.file(recording)
    assert took < 112
    assert recording.ending is Ending.BROADCAST_ENDED
    assert recording.gaps
    assert any(segment.flags & GAP_BEFORE for segment in found)
    for gap in recording.gaps:
        assert gap.to_ms - gap.from_ms > 1000
    # Time goes on through the gap, so that whatever goes by media time is in step.
    shown = [sample.pts for sample in media.samples(data) if sample.kind is Kind.VIDEO]
    assert 129_000 < max(shown) < 131_000
    assert media.digests(data)[Kind.VIDEO][-300:] == media.digests(SOURCE)[Kind.VIDEO]


@pytest.mark.parametrize("is_guarded", [False, True])
@in_virtual_time
async def test_a_full_disk_ends_the_recording_and_nothing_else(is_guarded: bool) -> None:
    disk = MemoryDisk(capacity=200_000)
    config = attrs.evolve(EVERYTHING, free_bytes=50_000 if is_guarded else 0)
    expected = Ending.DISK_LOW if is_guarded else Ending.DISK_FULL
    async with archive(config, disk=disk) as here:
        with here.studio.publishing() as run:
            await publish(run, PACKETS, 10)
            packets = here.studio.broadcast.statistics().packets
            assert packets == len(PACKETS) - 2
            assert here.recordings.refusal("live/cat") is expected
            assert here.recordings.statistics().refused == {expected: 1}
            recording = here.told[0]
            assert recording.ending is expected
            data = await here.file(recording)
        sent, got = media.digests(SOURCE), media.digests(data)
        for kind in (Kind.VIDEO, Kind.AUDIO):
            assert 30 < len(got[kind]) < len(sent[kind])
            assert got[kind] == sent[kind][: len(got[kind])]
    assert is_guarded == (disk.refused == 0)


@in_virtual_time
async def test_recording_goes_on_as_another_one_when_there_is_room_again() -> None:
    disk = MemoryDisk(capacity=200_000)
    async with archive(disk=disk) as here:
        with here.studio.publishing() as run:
            await publish(run, PACKETS, 10)
            assert here.recordings.under_way("live/cat") is None
            disk.capacity = 20_000_000
            await publish(run, later(PACKETS, 10_000), 40)
            assert here.recordings.under_way("live/cat") is not None
            assert here.recordings.refusal("live/cat") is None
        await here.over()
    assert len(here.told) == 2


@in_virtual_time
async def test_a_disk_that_fails_ends_the_recording_and_nothing_else() -> None:
    disk = MemoryDisk()
    async with archive(disk=disk) as here:
        with here.studio.publishing() as run:
            await publish(run, PACKETS[:300], 5)
            disk.is_broken = True
            await publish(run, PACKETS[300:], 5)
            assert here.studio.broadcast.statistics().packets == len(PACKETS) - 2
        await trio.sleep(60)
    (recording,) = here.told
    assert recording.ending is Ending.DISK_FAILED


@in_virtual_time
async def test_what_nobody_wants_is_not_recorded_until_somebody_does() -> None:
    async with archive(attrs.evolve(EVERYTHING, rules=())) as here:
        with here.studio.publishing() as run:
            await publish(run, PACKETS[:200], 3)
            assert here.recordings.under_way("live/cat") is None
            await here.recordings.change_wish("live/cat", True)
            await publish(run, PACKETS[200:400], 3)
            assert here.recordings.under_way("live/cat") is not None
            await here.recordings.change_wish("live/cat", False)
            await publish(run, PACKETS[400:], 3)
            (recording,) = here.told
            assert recording.ending is Ending.STOPPED
            assert 2000 < recording.duration_ms < 6000
            assert here.recordings.under_way("live/cat") is None
        await trio.sleep(60)
        assert len(here.told) == 1
        assert await here.store.recording_wishes() == {"live/cat": False}


@in_virtual_time
async def test_a_server_that_stops_leaves_a_recording_that_the_next_one_closes() -> None:
    disk, store = MemoryDisk(), MemoryStore()
    async with archive(disk=disk, store=store) as here:
        with here.studio.publishing() as run:
            await publish(run, PACKETS, 10)
            await trio.sleep(1)
            here.nursery.cancel_scope.cancel()
            await trio.lowlevel.checkpoint()
    assert here.told == []
    async with archive(disk=disk, store=store) as there:
        await trio.sleep(1)
        (recording,) = there.told
        assert await digests(there, recording) == media.digests(SOURCE)
    assert recording.ending is Ending.INTERRUPTED


@pytest.mark.parametrize("lost", ["nothing", "lines", "the end", "the index", "zeros"])
@in_virtual_time
async def test_whatever_a_crash_leaves_is_closed_with_all_that_is_whole(lost: str) -> None:
    disk, store = MemoryDisk(), MemoryStore()
    async with archive(disk=disk, store=store) as here:
        with here.studio.publishing() as run:
            await publish(run, PACKETS, 10)
            files = {name: bytearray(data) for name, data in _only(disk).items()}
            stored = await store.open_recordings()
        await here.over()
    _only(disk).clear()
    _only(disk).update(files)
    crash(_only(disk), lost)
    left = MemoryStore()
    left._recordings._by_id = {it.id: it for it in stored}
    async with archive(disk=disk, store=left) as there:
        await trio.sleep(1)
        (recording,) = there.told
        got = await digests(there, recording)
        found = await read_index(disk, recording.id)
    for before, segment in itertools.pairwise(found):
        assert segment.offset == before.offset + before.size
        assert 0 <= segment.start_ms - before.end_ms <= 1
        assert segment.wall_ms - before.wall_ms == segment.start_ms - before.start_ms
    assert len(found) == 2
    sent = media.digests(SOURCE)
    for kind in (Kind.VIDEO, Kind.AUDIO):
        assert got[kind] == sent[kind][: len(got[kind])]
    least_ms = 7000 if lost == "the end" else 8000
    assert recording.duration_ms >= least_ms
    assert recording.ending is Ending.INTERRUPTED


def _only(disk: MemoryDisk) -> dict[str, bytearray]:
    (files,) = disk.files.values()
    return files


def crash(files: dict[str, bytearray], lost: str) -> None:
    match lost:
        case "lines":
            del files[index.NAME][-5:]
        case "the end":
            del files["0.mp4"][-3000:]
        case "the index":
            del files[index.NAME]
        case "zeros":
            files["0.mp4"] += bytes(10_000)


async def test_a_long_head_is_put_together_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.recordings.plain.SHORT_SAMPLES", 0)
    disk, heads = MemoryDisk(), Threads(1)
    cutter = Cutter(lambda _: 0)
    await write(disk, cutter.take(Seam(tracks=TRACKS, metadata={}, changed=True, first=True)))
    for packet in PACKETS[:100]:
        await write(disk, cutter.take(Placed(packet, False)))
    await write(disk, cutter.finish())
    in_thread = await plain_file(disk, heads, "a")
    made = bytes(disk.files["a"].pop("head"))
    monkeypatch.undo()
    assert (await plain_file(disk, heads, "a")).size == in_thread.size
    assert bytes(disk.files["a"]["head"]) == made


async def write(disk: MemoryDisk, steps: Iterable[Step]) -> None:
    for step in steps:
        match step:
            case Begin():
                await disk.append("a", "0.json", encoded(step.tracks))
                await disk.append("a", "0.mp4", step.init)
            case Add(part):
                await disk.append("a", "0.mp4", part.payload)
            case End(segment):
                await disk.append("a", index.NAME, segment.encoded())
