"""The synthetic stream is real H.264 and AAC, has the rate it was asked for, and is spread."""

import io
import itertools

import av
import pytest
from support import media

from relay.bench.phases import KEYFRAME_WEIGHT, Phase, Shape, Source, chunks, spread
from relay.bench.picture import HEIGHT, WIDTH
from relay.bench.stamps import Scanner
from relay.errors import ConfigError
from relay.flv import writer as flv
from relay.formats import aac, avc
from relay.packet import Kind, Packet
from relay.rtmp import messages
from relay.rtmp.chunk_reader import ChunkReader
from relay.rtmp.limits import RtmpLimits
from relay.tracks import Tracks

MACHINE = "0123abcd"
SECOND = Shape(kbit_per_s=1000, fps=30, gop_s=1)


def packets(shape: Shape, seconds: float) -> list[Packet]:
    """What a publisher sends in this time."""
    (phase,) = spread(1, Source(shape))
    moments = itertools.takewhile(lambda moment: moment.due_s < seconds, phase.moments())
    return [phase.packet(moment, MACHINE, round(1e6 * moment.due_s)) for moment in moments]


def pictures(sent: list[Packet]) -> list[Packet]:
    return [packet for packet in sent if packet.kind is Kind.VIDEO]


def tracks(source: Source) -> Tracks:
    return media.tracks_of(source.configurations(0))


def test_the_configurations_say_what_is_sent() -> None:
    video, audio = Source(Shape(kbit_per_s=1000, fps=29.97, gop_s=2)).configurations(0)
    picture, sound = avc.parse_config(video.payload), aac.parse_config(audio.payload)
    assert (picture.width, picture.height) == (WIDTH, HEIGHT)
    assert picture.frame_rate == pytest.approx(29.97)
    assert (sound.sample_rate, sound.channels) == (44100, 2)


def test_a_decoder_shows_every_frame_and_plays_every_silence() -> None:
    source = Source(SECOND)
    sent = source.configurations(0) + packets(SECOND, 2.5)
    file = media.as_flv(tracks(source), sent)
    with av.open(io.BytesIO(file), mode="r") as container:
        frames = list(container.decode(video=0))
    with av.open(io.BytesIO(file), mode="r") as container:
        sounds = list(container.decode(audio=0))
    assert [number for number, frame in enumerate(frames) if frame.key_frame] == [0, 30, 60]
    assert len(frames) == 75
    assert {bytes(frame.planes[0])[:WIDTH] for frame in frames} == {b"\x80" * WIDTH}
    assert len(sounds) == sum(packet.kind is Kind.AUDIO for packet in packets(SECOND, 2.5))
    assert not any(bytes(sound.planes[0]).strip(b"\0") for sound in sounds)


@pytest.mark.parametrize(("kbit", "fps", "gop"), [(1000, 30, 2), (300, 25, 1), (6000, 60, 4)])
def test_the_bit_rate_is_what_was_asked_for(kbit: float, fps: float, gop: float) -> None:
    sent = packets(Shape(kbit_per_s=kbit, fps=fps, gop_s=gop), 2 * gop)
    size = sum(len(flv.body(packet)) for packet in sent)
    assert 8 * size / (2 * gop) / 1000 == pytest.approx(kbit, rel=0.02)


def test_a_keyframe_weighs_five_other_frames() -> None:
    video = pictures(packets(SECOND, 1))
    assert len(video[0].payload) == pytest.approx(KEYFRAME_WEIGHT * len(video[1].payload), rel=0.01)


def test_a_rate_below_what_the_picture_needs_is_refused() -> None:
    with pytest.raises(ConfigError, match="too low"):
        Source(Shape(kbit_per_s=70, fps=30, gop_s=2))


def test_every_frame_has_its_own_moment_and_times_never_go_back() -> None:
    sent = packets(SECOND, 3)
    times = [packet.dts for packet in sent]
    assert times == sorted(times)
    assert [packet.dts for packet in pictures(sent)] == [round(n * 1000 / 30) for n in range(90)]
    assert len(sent) - 90 == 130  # 43.07 a second


def test_a_later_phase_sends_the_same_times_later() -> None:
    first, second = spread(2, Source(SECOND))
    for early, late in itertools.islice(zip(first.moments(), second.moments(), strict=True), 99):
        assert late.due_s - early.due_s == pytest.approx(1 / 60)
        assert first.packet(early, MACHINE, 0).dts == second.packet(late, MACHINE, 0).dts


def test_every_picture_carries_its_stamp() -> None:
    found = [Scanner().feed(packet.payload) for packet in pictures(packets(SECOND, 1.02))]
    stamps = [stamp for (stamp,) in found]
    assert [(stamp.number, stamp.sent_us) for stamp in stamps] == [
        (number, round(1e6 * number / 30)) for number in range(31)
    ]
    assert [stamp.number for stamp in stamps if stamp.is_keyframe] == [0, 30]
    assert {stamp.machine for stamp in stamps} == {MACHINE}


def test_neither_frames_nor_keyframes_of_all_phases_coincide() -> None:
    phases = spread(1000, Source(Shape(kbit_per_s=600, fps=30, gop_s=2)))
    due = [next(phase.moments()).due_s for phase in phases]
    assert len(set(due)) == len(phases)
    assert max(due) < 1 / 30
    assert len({first_keyframe(phase) for phase in phases}) == len(phases)


def first_keyframe(phase: Phase) -> int:
    moments = phase.moments()
    return next(m.number for m in moments if phase.packet(m, MACHINE, 0).is_keyframe)


def test_there_are_no_more_phases_than_publishers() -> None:
    assert len(spread(3, Source(SECOND))) == 3


def test_chunks_carry_every_packet_as_it_is() -> None:
    sent = packets(Shape(kbit_per_s=9000, fps=30, gop_s=1), 0.1)
    reader = ChunkReader(RtmpLimits())
    reader.expects_media = True
    reader.chunk_size = 60_000
    reader.receive_data(chunks(sent, 7, 60_000))
    for packet in sent:
        message = reader.next_message()
        assert message is not None
        assert (
            message.type_id == {Kind.AUDIO: messages.AUDIO, Kind.VIDEO: messages.VIDEO}[packet.kind]
        )
        assert (message.stream_id, message.timestamp) == (7, packet.dts)
        assert message.payload == flv.body(packet)
    assert reader.next_message() is None
