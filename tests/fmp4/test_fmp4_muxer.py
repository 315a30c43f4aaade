"""Fragments: what FFmpeg reads from them, and that time is continuous in all of them."""

import itertools

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import fragments, media

from relay.errors import LocalProtocolError
from relay.fmp4.muxer import Fragment, FragmentMuxer
from relay.packet import Codec, Kind, Packet
from relay.tracks import Tracks

FOUND = media.packets(media.flv_file())
TRACKS = media.tracks_of(FOUND)
VIDEO_ONLY, AUDIO_ONLY = Tracks(video=TRACKS.video), Tracks(audio=TRACKS.audio)
assert TRACKS.audio
SILENCE = TRACKS.audio.silence
VIDEO, AUDIO = 1, 2


def video(dts: int, *, pts: int | None = None, key: bool = False) -> Packet:
    shown = dts if pts is None else pts
    return Packet(Kind.VIDEO, Codec.AVC, dts, shown, key, False, b"video %d" % dts)


def audio(dts: int) -> Packet:
    return Packet(Kind.AUDIO, Codec.AAC, dts, dts, False, False, b"audio %d" % dts)


def moved(packets: list[Packet], ms: int) -> list[Packet]:
    return [attrs.evolve(packet, dts=packet.dts + ms, pts=packet.pts + ms) for packet in packets]


def cut(packets: list[Packet], *, video_ms: int, audio_ms: int) -> list[Packet]:
    ends = {Kind.VIDEO: video_ms, Kind.AUDIO: audio_ms}
    return [packet for packet in packets if packet.dts < ends[packet.kind]]


def mux(tracks: Tracks, *publications: list[Packet]) -> list[Fragment]:
    """Publishers one after the other, a seam between them."""
    muxer = FragmentMuxer(tracks)
    made = []
    for index, packets in enumerate(publications):
        if index:
            muxer.seam()
        made += [muxer.add(packet) for packet in packets]
        made.append(muxer.flush())
    return [fragment for fragment in made if fragment]


def assert_continuous(made: list[Fragment]) -> None:
    """Every sample of a track starts where the one before it ended."""
    for runs in fragments.by_track(fragment.payload for fragment in made).values():
        assert all(duration >= 1 for run in runs for duration in run.durations)
        for before, after in itertools.pairwise(runs):
            assert after.start == before.end


def by_kind(data: bytes, kind: Kind) -> list[media.Sample]:
    return [sample for sample in media.samples(data) if sample.kind is kind]


@pytest.mark.parametrize("bframes", [0, 3])
@pytest.mark.parametrize("rate", [15, 30, 60])
@pytest.mark.parametrize("sample_rate", [44100, 48000])
def test_ffmpeg_reads_the_same_frames_in_step(bframes: int, rate: int, sample_rate: int) -> None:
    encoder = media.DEFAULT_VIDEO + f" -bf {bframes}"
    data = media.flv_file(1.5, rate=rate, sample_rate=sample_rate, video=encoder)
    found = media.packets(data)
    tracks = media.tracks_of(found)
    made = media.as_mp4(tracks, media.as_fragments(tracks, found))
    assert media.digests(made) == media.digests(data)
    for kind in (Kind.VIDEO, Kind.AUDIO):
        before, after = by_kind(data, kind), by_kind(made, kind)
        assert max(abs(b.pts - a.pts) for b, a in zip(before, after, strict=True)) <= 1
        assert [b.is_keyframe for b in before] == [a.is_keyframe for a in after]
        assert all(one.dts < two.dts for one, two in itertools.pairwise(after))


@pytest.mark.parametrize("missing", ["video", "audio"])
def test_one_track_alone_is_read_back(missing: str) -> None:
    data = media.flv_file(1.5, **{missing: ""})
    found = media.packets(data)
    tracks = media.tracks_of(found)
    made = media.as_mp4(tracks, media.as_fragments(tracks, found))
    assert media.digests(made) == media.digests(data)


def test_a_fragment_leaves_with_its_video_and_the_audio_before_it() -> None:
    muxer = FragmentMuxer(TRACKS)
    assert muxer.add(audio(0)) is None
    assert muxer.add(audio(21)) is None
    fragment = muxer.add(video(33, pts=99, key=True))
    assert fragment
    picture, sound = fragments.runs(fragment.payload)
    assert picture == fragments.Run(VIDEO, 33, (33,), (b"video 33",), 0x02000000, 66)
    assert sound == fragments.Run(AUDIO, 0, (1024, 1024), (b"audio 0", b"audio 21"), None, 0)
    assert (fragment.is_resync, fragment.packets) == (True, 3)
    assert (fragment.start_ms, fragment.end_ms) == (0, 132)


def test_frames_between_keyframes_are_no_resync_points() -> None:
    first, second = mux(TRACKS, [video(0, key=True), video(33)])
    assert (first.is_resync, second.is_resync) == (True, False)
    assert fragments.runs(second.payload)[0].flags == 0x01010000


def test_fragments_are_numbered() -> None:
    made = mux(TRACKS, [video(0), video(33), video(66)])
    assert [fragments.sequence_number(fragment.payload) for fragment in made] == [1, 2, 3]


def test_what_belongs_to_no_track_is_passed_over() -> None:
    config = attrs.evolve(video(0), is_config=True)
    script = Packet(Kind.DATA, Codec.SCRIPT, 0, 0, False, False, b"")
    assert mux(TRACKS, [config, script]) == []
    assert mux(AUDIO_ONLY, [video(0)]) == []
    assert mux(VIDEO_ONLY, [audio(0)]) == []


def test_audio_does_not_wait_long_for_slow_video() -> None:
    times = [1024 * index // 48 for index in range(30)]
    made = mux(TRACKS, [video(0, key=True), *(audio(dts) for dts in times)])
    assert [fragment.packets for fragment in made] == [1, 11, 11, 8]
    assert [fragment.is_resync for fragment in made] == [True, False, False, False]
    assert_continuous(made)


def test_audio_alone_goes_in_small_fragments_with_a_resync_point_each_second() -> None:
    times = [1024 * index // 48 for index in range(141)]  # 3008 ms
    made = mux(AUDIO_ONLY, [audio(dts + 5000) for dts in times])
    assert {fragment.packets for fragment in made[:-1]} == {4}
    starts = [fragment.start_ms for fragment in made if fragment.is_resync]
    assert starts == [5000, 6024, 7048]
    assert_continuous(made)


def test_a_hole_of_500_ms_in_the_video_is_read_at_the_right_times() -> None:
    found = [p for p in FOUND if p.kind is Kind.AUDIO or p.is_config or not 400 < p.dts < 900]
    made = mux(TRACKS, found)
    assert_continuous(made)
    shown = [sample.pts for sample in by_kind(media.as_mp4(TRACKS, made), Kind.VIDEO)]
    assert shown == [p.pts for p in found if p.kind is Kind.VIDEO and not p.is_config]


@pytest.mark.parametrize(
    ("video_ms", "audio_ms"), [(1000, 1200), (1200, 1000), (1200, 1200)],
    ids=["audio ahead", "video ahead", "together"],
)  # fmt: skip
def test_a_seam_leaves_neither_hole_nor_shift(video_ms: int, audio_ms: int) -> None:
    again = moved(FOUND, 1234)
    made = mux(TRACKS, cut(FOUND, video_ms=video_ms, audio_ms=audio_ms), again)
    assert_continuous(made)
    data = media.as_mp4(TRACKS, made)
    frames = len([p for p in FOUND if p.kind is Kind.VIDEO and not p.is_config])
    wanted = [p.pts for p in again if p.kind is Kind.VIDEO and not p.is_config]
    shown = [sample.pts for sample in by_kind(data, Kind.VIDEO)][-frames:]
    assert shown[1:] == wanted[1:]
    heard = [sample.pts for sample in by_kind(data, Kind.AUDIO)][-80:]
    expected = [p.pts for p in again if p.kind is Kind.AUDIO][-80:]
    assert max(abs(h - e) for h, e in zip(heard, expected, strict=True)) <= 1


def test_at_a_seam_silence_stands_in_for_the_sound_that_is_missing() -> None:
    first = [video(0, key=True), audio(0)]
    made = mux(TRACKS, first, [audio(300), video(300, key=True)])
    runs = fragments.by_track(fragment.payload for fragment in made)[AUDIO]
    payloads = [payload for run in runs for payload in run.payloads]
    assert payloads == [b"audio 0", *[SILENCE] * 13, b"audio 300"]
    assert [fragment.packets for fragment in made] == [1, 1, 2]


def test_a_fragment_with_silence_still_decodes() -> None:
    again = moved(FOUND, 1300)
    made = mux(TRACKS, cut(FOUND, video_ms=1200, audio_ms=900), again)
    data = media.as_mp4(TRACKS, made)
    real = len([p for p in FOUND if p.kind is Kind.AUDIO and not p.is_config])
    heard = media.decoded_audio_frames(data)
    assert heard > real + 900 * 48 // 1024


def test_time_goes_on_when_the_tracks_change() -> None:
    data = media.flv_file(1, size="160x90", rate=15, sample_rate=44100, channels=1)
    again = moved(media.packets(data), 1200)
    changed = media.tracks_of(again)
    muxer = FragmentMuxer(TRACKS)
    before = [muxer.add(packet) for packet in cut(FOUND, video_ms=1000, audio_ms=1200)]
    before.append(muxer.flush())
    muxer.seam(changed)
    after = [made for packet in again if (made := muxer.add(packet))]
    assert_continuous(after)
    ends = fragments.by_track(made.payload for made in before if made)
    starts = fragments.by_track(made.payload for made in after)
    assert starts[VIDEO][0].start == ends[VIDEO][-1].end
    assert abs(starts[AUDIO][0].start / 44100 - ends[AUDIO][-1].end / 48000) < 1 / 44100
    heard = [sample.pts for sample in by_kind(media.as_mp4(changed, after), Kind.AUDIO)][-10:]
    sent = [packet.pts for packet in again if packet.kind is Kind.AUDIO]
    assert min(abs(heard[-1] - pts) for pts in sent) <= 1


def test_tracks_may_come_and_go_at_a_change() -> None:
    muxer = FragmentMuxer(VIDEO_ONLY)
    muxer.add(video(0, key=True))
    muxer.seam(AUDIO_ONLY)
    assert muxer.add(video(1000, key=True)) is None
    muxer.add(audio(1000))
    sound = muxer.flush()
    muxer.seam(TRACKS)
    picture = muxer.add(video(2000, key=True))
    assert sound
    assert picture
    assert fragments.runs(sound.payload)[0].start == 48000
    assert fragments.runs(picture.payload)[0].start == 2000


def test_tracks_do_not_change_while_audio_waits() -> None:
    muxer = FragmentMuxer(TRACKS)
    muxer.add(audio(0))
    with pytest.raises(LocalProtocolError, match="still waiting"):
        muxer.seam(VIDEO_ONLY)


STEPS = st.tuples(st.sampled_from("vvaaaks"), st.integers(0, 700), st.integers(-100, 500))


@given(st.lists(STEPS, max_size=60), st.sampled_from([TRACKS, VIDEO_ONLY, AUDIO_ONLY]))
def test_any_sequence_is_continuous_and_complete(
    steps: list[tuple[str, int, int]], tracks: Tracks
) -> None:
    muxer, dts, sent = FragmentMuxer(tracks), 1000, []
    made = []
    for what, step, offset in steps:
        dts += step
        if what == "s":
            muxer.seam()
            continue
        packet = audio(dts) if what == "a" else video(dts, pts=dts + offset, key=what == "k")
        sent.append(packet)
        made.append(muxer.add(packet))
    made.append(muxer.flush())
    whole = [fragment for fragment in made if fragment]
    assert_continuous(whole)
    found = fragments.by_track(fragment.payload for fragment in whole)
    for track, kind, has in ((VIDEO, Kind.VIDEO, tracks.video), (AUDIO, Kind.AUDIO, tracks.audio)):
        payloads = [p for run in found.get(track, []) for p in run.payloads if p != SILENCE]
        assert payloads == [packet.payload for packet in sent if packet.kind is kind and has]
    assert all(fragment.start_ms <= fragment.end_ms for fragment in whole)
    if not any(what == "s" for what, *_ in steps):
        shown = [run.start + run.offset for run in found.get(VIDEO, [])]
        assert shown == [p.pts for p in sent if p.kind is Kind.VIDEO and tracks.video]
