"""Parts, and the plain file that is made of them: what FFmpeg reads from either."""

import itertools

import attrs
import pytest
from support import fragments, media
from support.comparing import shifts

from relay.errors import LocalProtocolError
from relay.fmp4.init import init_segment
from relay.fmp4.part import Part, PartMuxer
from relay.fmp4.reader import Read, moofs, next_moof
from relay.fmp4.whole import Whole
from relay.packet import Codec, Kind, Packet
from relay.tracks import Tracks

FILE = media.flv_file()
FOUND = media.packets(FILE)
TRACKS = media.tracks_of(FOUND)
VIDEO_ONLY, AUDIO_ONLY = Tracks(video=TRACKS.video), Tracks(audio=TRACKS.audio)
OTHER_FILE = media.flv_file(1, size="160x120", sample_rate=44100, channels=1)
OTHER = media.packets(OTHER_FILE)


def parts_of(tracks: Tracks, packets: list[Packet]) -> list[Part]:
    return through(PartMuxer(tracks), packets)


def through(muxer: PartMuxer, packets: list[Packet]) -> list[Part]:
    made = [muxer.add(packet) for packet in packets]
    return [part for part in (*made, muxer.flush()) if part is not None]


def picture(dts: int, *, key: bool = False) -> Packet:
    return Packet(Kind.VIDEO, Codec.AVC, dts, dts, key, False, b"picture %d" % dts)


def sound(dts: int) -> Packet:
    return Packet(Kind.AUDIO, Codec.AAC, dts, dts, False, False, b"sound %d" % dts)


def later(packets: list[Packet], ms: int) -> list[Packet]:
    return [attrs.evolve(packet, dts=packet.dts + ms, pts=packet.pts + ms) for packet in packets]


def whole_file(*stretches: tuple[Tracks, list[Part]]) -> bytes:
    """The plain file whose body are these parts, each stretch behind its init segment."""
    whole, body = Whole(), b""
    for tracks, parts in stretches:
        init = init_segment(tracks)
        data = init + b"".join(part.payload for part in parts)
        whole.begin(tracks, len(body))
        for moof in moofs(reading(data), len(init), len(data)):
            whole.add(moof)
        body += data
    return whole.head(len(body)) + body


def reading(data: bytes) -> Read:
    return lambda offset, size: data[offset : offset + size]


@pytest.mark.parametrize("tracks", [TRACKS, VIDEO_ONLY, AUDIO_ONLY], ids=["both", "video", "audio"])
def test_both_forms_hold_what_was_sent_bit_for_bit_and_in_step(tracks: Tracks) -> None:
    kinds = {Kind.VIDEO: tracks.video, Kind.AUDIO: tracks.audio}
    sent = [sample for sample in media.samples(FILE) if kinds[sample.kind]]
    parts = parts_of(tracks, FOUND)
    for made in (
        init_segment(tracks) + b"".join(part.payload for part in parts),
        whole_file((tracks, parts)),
    ):
        moved = shifts(sent, media.samples(made), "mp4")
        assert max(moved) - min(moved) <= 2


def test_a_part_ends_before_a_keyframe_or_when_it_is_long_enough() -> None:
    packets = [picture(n * 100, key=n % 25 == 0) for n in range(60)]
    made = parts_of(VIDEO_ONLY, packets)
    assert [(part.start_ms, part.is_resync) for part in made] == [
        (0, True),
        (1000, False),
        (2000, False),
        (2500, True),
        (3500, False),
        (4500, False),
        (5000, True),
    ]
    for before, after in itertools.pairwise(made):
        assert before.end_ms == after.start_ms


def test_sound_leaves_the_end_of_a_part_to_the_picture() -> None:
    packets = [picture(0, key=True), *(sound(n * 20) for n in range(51)), picture(1010, key=True)]
    first, second = parts_of(TRACKS, packets)
    assert second.is_resync
    assert len(fragments.runs(first.payload)[1].payloads) == 51


def test_where_every_picture_is_a_keyframe_not_each_is_a_part() -> None:
    made = parts_of(VIDEO_ONLY, [picture(n * 40, key=True) for n in range(50)])
    assert all(part.is_resync for part in made)
    assert 6 <= len(made) <= 8


def test_where_the_picture_stands_still_the_sound_goes_on() -> None:
    packets = [picture(0, key=True), *(sound(n * 20) for n in range(250)), picture(5000, key=True)]
    made = parts_of(TRACKS, packets)
    assert len(made) >= 4
    assert [part.is_resync for part in made] == [True, *[False] * (len(made) - 2), True]


def test_time_has_no_hole_in_a_part_or_between_parts() -> None:
    muxer = PartMuxer(TRACKS)
    made = through(muxer, FOUND)
    muxer.seam()
    made += through(muxer, later(FOUND, 3000))
    found = {1: 0, 2: 0}
    data = b"".join(part.payload for part in made)
    for moof in moofs(reading(data), 0, len(data)):
        for run in moof.runs:
            assert found[run.track_id] in {0, run.start}
            found[run.track_id] = run.end


def test_what_is_held_must_be_flushed_before_a_seam() -> None:
    muxer = PartMuxer(VIDEO_ONLY)
    muxer.add(picture(0, key=True))
    with pytest.raises(LocalProtocolError):
        muxer.seam()


def test_configuration_and_packets_of_no_track_are_passed_over() -> None:
    muxer = PartMuxer(VIDEO_ONLY)
    for packet in (FOUND[0], sound(0)):
        assert muxer.add(packet) is None
    assert muxer.flush() is None


def test_a_file_with_other_tracks_in_its_middle_has_all_of_both() -> None:
    other = media.tracks_of(OTHER)
    muxer = PartMuxer(TRACKS)
    first = through(muxer, FOUND)
    muxer.seam(other)
    second = through(muxer, later(OTHER, 2000))
    made = whole_file((TRACKS, first), (other, second))
    digests = media.digests(made)
    for kind in (Kind.VIDEO, Kind.AUDIO):
        assert digests[kind] == [*media.digests(FILE)[kind], *media.digests(OTHER_FILE)[kind]]


def test_a_track_that_is_gone_for_a_while_is_back_in_its_place() -> None:
    first = parts_of(TRACKS, FOUND)
    silent = parts_of(VIDEO_ONLY, later(FOUND, 2000))
    third = parts_of(TRACKS, later(FOUND, 4000))
    made = media.samples(whole_file((TRACKS, first), (VIDEO_ONLY, silent), (TRACKS, third)))
    heard = [sample.pts for sample in made if sample.kind is Kind.AUDIO]
    assert max(after - before for before, after in itertools.pairwise(heard)) > 1900
    assert 5900 < heard[-1] < 6100


def test_what_is_not_whole_is_not_read() -> None:
    data = b"".join(part.payload for part in parts_of(TRACKS, FOUND))
    ends = [moof.offset + moof.size for moof in moofs(reading(data), 0, len(data))]
    assert ends[-1] == len(data)
    assert len(ends) >= 2
    last = ends[-2]
    for cut in (1, 7, 100, 2000, len(data) - last - 1):
        found = list(moofs(reading(data[: last + cut]), 0, last + cut))
        assert [moof.offset + moof.size for moof in found] == ends[:-1]


@pytest.mark.parametrize("junk", [bytes(5000), b"\xff" * 5000, b"\0\0\0\x20moof" + bytes(5000)])
def test_junk_behind_the_last_part_ends_the_reading(junk: bytes) -> None:
    assert next_moof(reading(junk), 0, len(junk)) is None


def test_no_byte_of_a_moof_can_make_the_reader_fail() -> None:
    (part, *_) = parts_of(TRACKS, FOUND)
    (moof,) = moofs(reading(part.payload), 0, len(part.payload))
    for at in range(200):
        for value in (0, 1, 0x7F, 0xFF):
            broken = bytearray(part.payload)
            broken[at] = value
            found = next_moof(reading(bytes(broken)), 0, len(broken))
            assert found is None or found.size == moof.size or value == part.payload[at]


def test_a_file_of_more_than_four_gigabytes_has_large_offsets() -> None:
    (part, *_) = parts_of(TRACKS, FOUND)
    whole = Whole()
    whole.begin(TRACKS, 5 << 30)
    for moof in moofs(reading(part.payload), 0, len(part.payload)):
        whole.add(moof)
    head = whole.head(6 << 30)
    assert b"co64" in head
    assert b"stco" not in head
    assert head[-16:-8] == b"\0\0\0\1mdat"
