"""Clips: cut at keyframes, exactly as they say, from whatever there is."""

import pytest
import trio
from support import media
from support.memory import in_virtual_time
from support.memory_disk import MemoryDisk
from support.recording import (
    PACKETS,
    SOURCE,
    Archive,
    archive,
    publish,
)

from relay.config.schema import RecordingConfig
from relay.packet import Kind
from relay.recordings.clipping import NothingToClip
from relay.recordings.recording import Ending, Recording
from relay.recordings.recording import Kind as RecordingKind
from relay.store.contract import StoreUnavailable

SENT = media.samples(SOURCE)
KEYFRAMES = [round(it.pts) for it in SENT if it.kind is Kind.VIDEO and it.is_keyframe]
NOTHING = RecordingConfig()
assert len(KEYFRAMES) == 10


async def assert_is_just_that(here: Archive, clip: Recording, *, least: int = 0) -> None:
    """The clip has each frame from its keyframe to where it says that it ends, and no other.

    Where it ends with what there was, it has at least so many pictures.
    """
    got = media.samples(await here.file(clip))
    video = [it for it in got if it.kind is Kind.VIDEO]
    sound = [it for it in got if it.kind is Kind.AUDIO]
    sent = [it for it in SENT if it.kind is Kind.VIDEO]
    first = next(n for n, it in enumerate(sent) if round(it.pts) == clip.start_ms)
    later = [n for n, it in enumerate(sent) if it.is_keyframe and round(it.pts) >= clip.end_ms]
    last = later[0] if later and not least else first + len(video)
    assert [it.digest for it in video] == [it.digest for it in sent[first:last]]
    assert len(video) >= least
    assert video[0].is_keyframe
    # A keyframe is shown two frames after it is decoded, and sound comes along with its decoding.
    assert abs(sound[0].pts - video[0].pts) < 100
    shown_ms = max(it.pts for it in video) - min(it.pts for it in video)
    assert abs(shown_ms + 33 - clip.duration_ms) <= 67


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "first", "last"),
    [
        (0, 1000, 0, 1),
        (2500, 6200, 2, 7),
        (3000, 4000, 3, 4),
        (2999, 4001, 2, 5),
        (0, 99_000, 0, 10),
        (9500, 9600, 9, 10),
        (5900, 6100, 5, 7),
    ],
)
@in_virtual_time
async def test_a_clip_begins_and_ends_at_keyframes_and_says_where(
    from_ms: int, to_ms: int, first: int, last: int
) -> None:
    async with archive() as here:
        await here.broadcast(PACKETS)
        recording = await here.over()
        clip = await here.clips.of_recording(recording, from_ms, to_ms)
        assert clip.start_ms == KEYFRAMES[first]
        end_ms = KEYFRAMES[last] if last < len(KEYFRAMES) else recording.end_ms
        assert clip.end_ms == end_ms
        assert (clip.kind, clip.ending) == (RecordingKind.CLIP, Ending.CLIPPED)
        assert clip.began_ms - recording.began_ms == clip.start_ms - recording.start_ms
        await assert_is_just_that(here, clip)
        assert await here.recordings.find(clip.id) == clip


@in_virtual_time
async def test_a_clip_of_what_is_live_comes_from_its_recording() -> None:
    async with archive() as here:
        with here.studio.publishing() as run:
            await publish(run, PACKETS, 10)
            clip = await here.clips.of_broadcast(here.studio.broadcast, 3500)
            assert clip.start_ms == KEYFRAMES[6]
            assert clip.end_ms >= KEYFRAMES[9]
        await here.over()
        await assert_is_just_that(here, clip, least=90)


@in_virtual_time
async def test_where_nothing_is_recorded_a_clip_comes_from_the_rewind_window() -> None:
    async with archive(NOTHING) as here:
        await here.nursery.start(here.packagers.serve)
        with here.studio.publishing() as run:
            await publish(run, PACKETS[:40], 1)
            here.packagers.of(here.studio.broadcast)
            await publish(run, PACKETS[40:], 9)
            await trio.sleep(1)
            clip = await here.clips.of_broadcast(here.studio.broadcast, 4500)
            assert clip.start_ms == KEYFRAMES[5]
            await assert_is_just_that(here, clip, least=140)


@in_virtual_time
async def test_where_nothing_is_kept_a_clip_is_the_newest_gop() -> None:
    async with archive(NOTHING) as here:
        with here.studio.publishing() as run:
            await publish(run, PACKETS, 10)
            clip = await here.clips.of_broadcast(here.studio.broadcast, 30_000)
            assert clip.start_ms == KEYFRAMES[-1]
            await assert_is_just_that(here, clip, least=30)


@in_virtual_time
async def test_a_clip_outlives_what_it_was_cut_from() -> None:
    async with archive() as here:
        await here.broadcast(PACKETS)
        recording = await here.over()
        clip = await here.clips.of_recording(recording, 0, 2000)
        await here.recordings.kept.delete(recording)
        await assert_is_just_that(here, clip)
        assert set(here.disk.files) == {clip.id}


@in_virtual_time
async def test_a_clip_goes_through_a_return_and_a_change_of_tracks() -> None:
    other_source = media.flv_file(4, size="160x120")
    async with archive() as here:
        await here.broadcast(PACKETS)
        await here.broadcast(PACKETS)
        await here.broadcast(media.packets(other_source))
        recording = await here.over()
        clip = await here.clips.of_recording(recording, 8000, 22_000)
        video = media.digests(await here.file(clip))[Kind.VIDEO]
    once, other = (media.digests(each)[Kind.VIDEO] for each in (SOURCE, other_source))
    assert [stretch.width for stretch in clip.stretches] == [320, 160]
    assert video == [*once[240:], *once, *other[:90]] or video == [*once[240:], *once, *other[:60]]


@in_virtual_time
async def test_of_a_time_that_is_not_there_there_is_no_clip_and_no_file() -> None:
    async with archive() as here:
        await here.broadcast(PACKETS)
        recording = await here.over()
        files = set(here.disk.files)
        with pytest.raises(NothingToClip):
            await here.clips.of_recording(recording, 50_000, 60_000)
        assert set(here.disk.files) == files


@pytest.mark.parametrize("fault", ["disk", "store", "nobody waits"])
@in_virtual_time
async def test_a_clip_that_is_not_made_leaves_no_file(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = MemoryDisk()
    async with archive(disk=disk) as here:
        await here.broadcast(PACKETS)
        recording = await here.over()
        files = set(disk.files)
        if fault == "disk":
            disk.capacity = disk.used + 100_000
        elif fault == "store":

            async def fail(_store: object, _batch: object) -> None:
                await trio.lowlevel.checkpoint()
                raise StoreUnavailable("the store is full")

            monkeypatch.setattr(type(here.store), "commit", fail)
        else:
            disk.delay_s = 1.0
        with trio.move_on_after(3.5), pytest.raises((OSError, StoreUnavailable, trio.Cancelled)):
            await here.clips.of_recording(recording, 0, 9000)
        monkeypatch.undo()
        assert set(disk.files) == files
        assert (await here.recordings.page(limit=9))[0][1] == recording
